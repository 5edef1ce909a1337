#include "compiler/codegen/sve_register.h"

namespace kiln {

llvm::Value* ToSveRegister(llvm::IRBuilder<>& b, llvm::Value* v) {
  // Scalable types are named by what fits 128 bits.
  llvm::Type* element = v->getType()->getScalarType();
  auto* type = llvm::ScalableVectorType::get(element, 128 / element->getScalarSizeInBits());
  return b.CreateInsertVector(type, llvm::PoisonValue::get(type), v, b.getInt64(0));
}

llvm::Value* FromSveRegister(llvm::IRBuilder<>& b, llvm::Value* v, llvm::Type* type) {
  return b.CreateExtractVector(type, v, b.getInt64(0));
}

llvm::Constant* AllSveLanes(llvm::IRBuilder<>& b, llvm::Type* scalable) {
  auto* lanes = llvm::cast<llvm::VectorType>(scalable);
  return llvm::Constant::getAllOnesValue(llvm::VectorType::get(b.getInt1Ty(), lanes->getElementCount()));
}

}  // namespace kiln
