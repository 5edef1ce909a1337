#include "compiler/codegen/optimize.h"

#include "base/error.h"
#include "base/status_macros.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Utils/Cloning.h"

namespace kiln {
namespace {

absl::StatusOr<std::string> EmitFile(llvm::Module& module, llvm::TargetMachine& machine, llvm::CodeGenFileType type) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, type, /*DisableVerify=*/true)) {
    return MakeError(ErrorReason::kCompilerBug, "LLVM's target cannot emit this kind of file");
  }
  passes.run(module);
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

void OptimizeModule(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);

  llvm::FunctionPassManager pass;
  pass.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  pass.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/false));
  pass.addPass(llvm::SimplifyCFGPass());
  pass.addPass(llvm::InstCombinePass());
  pass.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  pass.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  pass.addPass(llvm::SimplifyCFGPass());
  llvm::ModulePassManager before;
  before.addPass(llvm::GlobalDCEPass());
  before.addPass(llvm::AlwaysInlinerPass());
  before.run(module, modules);
  for (llvm::Function& function : module) {
    if (function.isDeclaration() || function.hasOptNone()) continue;
    pass.run(function, functions);
    functions.clear(function, function.getName());
  }
}

absl::StatusOr<std::string> EmitObject(llvm::Module& module, llvm::TargetMachine& machine) {
  return EmitFile(module, machine, llvm::CodeGenFileType::ObjectFile);
}

absl::StatusOr<std::string> EmitAssembly(const llvm::Module& module, llvm::TargetMachine& machine) {
  std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  return EmitFile(*copy, machine, llvm::CodeGenFileType::AssemblyFile);
}

}  // namespace kiln
