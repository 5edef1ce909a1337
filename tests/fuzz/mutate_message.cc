#include "tests/fuzz/mutate_message.h"

#include <cmath>
#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// libFuzzer's own mutations, for what is below a field.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace kiln {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int64_t kInterestingInts[] = {0,          1,          -1,        2,         3,         6,
                                        7,          8,          127,       -128,      INT32_MAX, INT32_MIN,
                                        INT64_MAX,  INT64_MIN,  1LL << 31, 1LL << 40, 1LL << 62, 65536};
constexpr double kInterestingFloats[] = {0, -0.0, 1, -1, 0.5, 1e300, -1e300, 1e-310, INFINITY, -INFINITY, NAN};
constexpr size_t kStringRoom = 64;

// A message of the tree, and one of its fields.
struct Place {
  Message* message;
  const FieldDescriptor* field;
};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  void Mutate(Message& root) {
    std::vector<Place> places;
    Collect(root, places);
    if (places.empty()) return;
    MutateField(places[Below(places.size())]);
  }

  size_t Below(size_t count) { return random_() % count; }

 private:
  // A field that is there is three places, one that may be there is one.
  void Collect(Message& message, std::vector<Place>& places) {
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor* field = message.GetDescriptor()->field(i);
      const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
      const int count = field->is_repeated() ? reflection.FieldSize(message, field)
                                             : static_cast<int>(reflection.HasField(message, field));
      places.insert(places.end(), count > 0 ? 3 : 1, {&message, field});
      if (!is_message) continue;
      for (int k = 0; k < count; ++k) {
        Collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, k)
                                     : *reflection.MutableMessage(&message, field),
                places);
      }
    }
  }

  void MutateField(Place place) {
    const Reflection& reflection = *place.message->GetReflection();
    if (!place.field->is_repeated()) {
      if (Below(8) == 0) return reflection.ClearField(place.message, place.field);
      return Set(place, -1);
    }
    const int count = reflection.FieldSize(*place.message, place.field);
    switch (Below(4)) {
      case 0: return Append(place, count);
      case 1:
        if (count > 0) reflection.RemoveLast(place.message, place.field);
        return;
      case 2:
        if (count > 1) reflection.SwapElements(place.message, place.field, Below(count), Below(count));
        return;
      default:
        if (count > 0) Set(place, static_cast<int>(Below(count)));
    }
  }

  // A copy of an element, or an empty one.
  void Append(Place place, int count) {
    const Reflection& reflection = *place.message->GetReflection();
    if (place.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const int from = count > 0 && Below(4) != 0 ? static_cast<int>(Below(count)) : -1;
      Message* added = reflection.AddMessage(place.message, place.field);
      if (from >= 0) added->CopyFrom(reflection.GetRepeatedMessage(*place.message, place.field, from));
      return;
    }
    AddScalar(place);
    Set(place, count);
  }

  void AddScalar(Place place) {
    const Reflection& reflection = *place.message->GetReflection();
    switch (place.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: return reflection.AddString(place.message, place.field, "");
      case FieldDescriptor::CPPTYPE_ENUM: return reflection.AddEnumValue(place.message, place.field, 0);
      case FieldDescriptor::CPPTYPE_INT32: return reflection.AddInt32(place.message, place.field, 0);
      case FieldDescriptor::CPPTYPE_UINT32: return reflection.AddUInt32(place.message, place.field, 0);
      case FieldDescriptor::CPPTYPE_INT64: return reflection.AddInt64(place.message, place.field, 0);
      case FieldDescriptor::CPPTYPE_UINT64: return reflection.AddUInt64(place.message, place.field, 0);
      case FieldDescriptor::CPPTYPE_BOOL: return reflection.AddBool(place.message, place.field, false);
      case FieldDescriptor::CPPTYPE_DOUBLE: return reflection.AddDouble(place.message, place.field, 0);
      default: return;
    }
  }

  int64_t SomeInt() {
    if (Below(2) == 0) return kInterestingInts[Below(std::size(kInterestingInts))];
    return static_cast<int64_t>(Below(40));
  }

  std::string SomeString(std::string old) {
    const size_t size = old.size();
    old.resize(size + kStringRoom);
    old.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(old.data()), size, old.size()));
    return old;
  }

  // Element `at`, or the field itself if -1.
  void Set(Place place, int at) {
    const Reflection& r = *place.message->GetReflection();
    Message* m = place.message;
    const FieldDescriptor* f = place.field;
#define KILN_SET(Kind, value) \
  (at < 0 ? r.Set##Kind(m, f, (value)) : r.SetRepeated##Kind(m, f, at, (value)))
    switch (f->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (at < 0) r.MutableMessage(m, f);
        return;
      case FieldDescriptor::CPPTYPE_STRING:
        return KILN_SET(String, SomeString(at < 0 ? r.GetString(*m, f) : r.GetRepeatedString(*m, f, at)));
      case FieldDescriptor::CPPTYPE_ENUM: return KILN_SET(EnumValue, static_cast<int>(Below(9)));
      case FieldDescriptor::CPPTYPE_INT32: return KILN_SET(Int32, static_cast<int32_t>(SomeInt()));
      case FieldDescriptor::CPPTYPE_UINT32: return KILN_SET(UInt32, static_cast<uint32_t>(SomeInt()));
      case FieldDescriptor::CPPTYPE_INT64: return KILN_SET(Int64, SomeInt());
      case FieldDescriptor::CPPTYPE_UINT64: return KILN_SET(UInt64, static_cast<uint64_t>(SomeInt()));
      case FieldDescriptor::CPPTYPE_BOOL: return KILN_SET(Bool, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return KILN_SET(Double, kInterestingFloats[Below(std::size(kInterestingFloats))]);
      default: return;
    }
#undef KILN_SET
  }

  std::minstd_rand random_;
};

}  // namespace

size_t MutateMessage(Message& message, uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  Mutator mutator(seed);
  if (mutator.Below(8) == 0 || !message.ParseFromArray(data, static_cast<int>(size))) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  for (size_t i = mutator.Below(3) + 1; i > 0; --i) mutator.Mutate(message);
  const std::string bytes = message.SerializeAsString();
  if (bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace kiln
