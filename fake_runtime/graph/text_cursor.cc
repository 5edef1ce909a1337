#include "fake_runtime/graph/text_cursor.h"

#include <algorithm>

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {

bool TextCursor::IsWordChar(char c) const { return absl::ascii_isalnum(c) || word_marks_.find(c) != word_marks_.npos; }

absl::Status TextCursor::ErrorAt(size_t pos, absl::string_view what) const {
  absl::string_view before = text_.substr(0, pos);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t newline = before.rfind('\n');
  const size_t column = newline == absl::string_view::npos ? pos + 1 : pos - newline;
  return MakeError(ErrorReason::kParseError, absl::StrCat(line, ":", column, ": ", what));
}

absl::Status TextCursor::Error(absl::string_view what) { return ErrorAt(Start(), what); }

void TextCursor::SkipSpace() {
  while (pos_ < text_.size()) {
    if (absl::ascii_isspace(text_[pos_])) {
      ++pos_;
    } else if (text_[pos_] == '#') {
      pos_ = std::min(text_.find('\n', pos_), text_.size());
    } else {
      return;
    }
  }
}

bool TextCursor::AtEnd() { return Start() == text_.size(); }

char TextCursor::Peek() { return AtEnd() ? '\0' : text_[pos_]; }

size_t TextCursor::Start() {
  SkipSpace();
  return pos_;
}

bool TextCursor::At(absl::string_view token) { return text_.substr(Start(), token.size()) == token; }

bool TextCursor::TryConsume(absl::string_view token) {
  if (!At(token)) return false;
  pos_ += token.size();
  return true;
}

absl::Status TextCursor::Expect(absl::string_view token) {
  if (TryConsume(token)) return absl::OkStatus();
  return Error(absl::StrCat("expected '", token, "'"));
}

absl::string_view TextCursor::PeekWord() {
  size_t end = Start();
  while (end < text_.size() && IsWordChar(text_[end])) ++end;
  return text_.substr(pos_, end - pos_);
}

bool TextCursor::TryWord(absl::string_view word) {
  if (!AtWord(word)) return false;
  pos_ += word.size();
  return true;
}

absl::Status TextCursor::ExpectWord(absl::string_view word) {
  if (TryWord(word)) return absl::OkStatus();
  return Error(absl::StrCat("expected '", word, "'"));
}

absl::StatusOr<absl::string_view> TextCursor::Word(absl::string_view what) {
  absl::string_view word = PeekWord();
  if (word.empty()) return Error(absl::StrCat("expected ", what));
  pos_ += word.size();
  return word;
}

absl::StatusOr<int64_t> TextCursor::Integer(absl::string_view what) {
  size_t end = Start();
  if (end < text_.size() && text_[end] == '-') ++end;
  while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
  int64_t value = 0;
  if (!absl::SimpleAtoi(text_.substr(pos_, end - pos_), &value)) return Error(absl::StrCat("expected ", what));
  pos_ = end;
  return value;
}

absl::StatusOr<double> TextCursor::Real(absl::string_view what) {
  size_t end = Start();
  constexpr absl::string_view kMarks = "+-.";
  while (end < text_.size() && (absl::ascii_isalnum(text_[end]) || kMarks.find(text_[end]) != kMarks.npos)) ++end;
  double value = 0;
  if (!absl::SimpleAtod(text_.substr(pos_, end - pos_), &value) || !std::isfinite(value)) {
    return Error(absl::StrCat("expected ", what));
  }
  pos_ = end;
  return value;
}

absl::StatusOr<std::string> TextCursor::String() {
  if (!At("\"")) return Error("expected a string");
  const size_t end = EndOfString(pos_);
  if (end == pos_ || text_[end] != '"') return ErrorAt(pos_, "a string without an end");
  std::string value;
  if (!absl::CUnescape(text_.substr(pos_ + 1, end - pos_ - 1), &value)) {
    return ErrorAt(pos_, "a bad escape in a string");
  }
  pos_ = end + 1;
  return value;
}

size_t TextCursor::EndOfString(size_t start) const {
  size_t i = start + 1;
  while (i < text_.size() && text_[i] != '"') i += text_[i] == '\\' ? 2 : 1;
  return std::min(i, text_.size() - 1);
}

absl::string_view TextCursor::ExprText(bool stops_at_space) {
  constexpr absl::string_view kEnds = ",)]{}\n";
  const size_t start = Start();
  int depth = 0;
  for (; pos_ < text_.size(); ++pos_) {
    const char c = text_[pos_];
    if (depth == 0 && kEnds.find(c) != kEnds.npos) break;
    if (depth == 0 && stops_at_space && c == ' ' && !BesideOperator(pos_)) break;
    if (c == '(') ++depth;
    if (c == ')') --depth;
  }
  return absl::StripAsciiWhitespace(text_.substr(start, pos_ - start));
}

bool TextCursor::BesideOperator(size_t space) const {
  constexpr absl::string_view kOperators = "+-*/%<>=!";
  auto is_operator = [&](size_t i) {
    return i != absl::string_view::npos && kOperators.find(text_[i]) != kOperators.npos;
  };
  return is_operator(text_.find_first_not_of(' ', space)) || is_operator(text_.find_last_not_of(' ', space));
}

absl::StatusOr<Expr> TextCursor::ParseExpr(ExprPool* pool, bool stops_at_space) {
  const size_t start = Start();
  absl::StatusOr<Expr> e = pool->Parse(ExprText(stops_at_space));
  if (e.ok()) return e;
  return AddContext(e.status(), ErrorAt(start, "in the expression").message());
}

absl::StatusOr<Dims> TextCursor::ParseDims(ExprPool* pool) {
  KILN_RETURN_IF_ERROR(Expect("["));
  Dims dims;
  if (TryConsume("]")) return dims;
  do {
    KILN_RETURN_IF_ERROR(CheckLimit(Limit::kRank, dims.size() + 1, "a list of sizes"));
    KILN_ASSIGN_OR_RETURN(Expr e, ParseExpr(pool));
    dims.push_back(e);
  } while (TryConsume(","));
  KILN_RETURN_IF_ERROR(Expect("]"));
  return dims;
}

}  // namespace kiln
