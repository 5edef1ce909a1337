// The binary as people run it: exit codes, messages, and one round through a
// server of its own.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kBroadcast[] =
    "graph broadcast(%a: f32[s0, s1], %b: f32[s2, s1]) {\n"
    "  %sum = aten.add.Tensor(%a, %b)  # broadcast.txt:2\n  return (%sum)\n}\n";

struct Ran {
  int exit_code = -1;
  std::string output;  // both streams
};

// Runs `kiln` with arguments as a shell takes them.
Ran Kiln(const std::string& arguments) {
  const std::string command = absl::StrCat(KILN_BINARY, " ", arguments, " 2>&1");
  FILE* pipe = popen(command.c_str(), "r");
  Ran ran;
  char buffer[4096];
  while (size_t size = fread(buffer, 1, sizeof(buffer), pipe)) ran.output.append(buffer, size);
  const int status = pclose(pipe);
  ran.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ran;
}

class KilnTest : public ::testing::Test {
 protected:
  KilnTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "kiln_cli_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    unsetenv("KILN_ADDRESS");
    unsetenv("KILN_TRUSTED_KEYS");
  }
  ~KilnTest() override { std::filesystem::remove_all(folder_); }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
};

// `kiln serve` on a Unix socket, gone with the object.
class OwnServer {
 public:
  explicit OwnServer(const std::string& folder) : address_(absl::StrCat("unix:", folder, "/kiln.sock")) {
    const std::string listen = absl::StrCat("--listen=", address_);
    const std::string data = absl::StrCat("--data=", folder, "/data");
    int fds[2];
    if (pipe(fds) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(fds[1], STDOUT_FILENO);
      execl(KILN_BINARY, "kiln", "serve", listen.c_str(), data.c_str(), "--metrics=none", "--log-level=warn", nullptr);
      _exit(127);
    }
    close(fds[1]);
    char c;
    while (read(fds[0], &c, 1) == 1 && c != '\n') ready_ += c;
    close(fds[0]);
  }
  ~OwnServer() { Stop(); }
  int Stop() {
    if (pid_ <= 0) return 0;
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  const std::string& address() const { return address_; }
  const std::string& ready() const { return ready_; }

 private:
  std::string address_;
  std::string ready_;
  pid_t pid_ = -1;
};

TEST_F(KilnTest, HelpNamesEveryCommand) {
  const Ran ran = Kiln("--help");
  EXPECT_EQ(ran.exit_code, 0);
  for (const char* command : {"serve", "compile", "explain", "propagate", "show", "stats", "ops"}) {
    EXPECT_THAT(ran.output, HasSubstr(command));
    const Ran help = Kiln(absl::StrCat(command, " --help"));
    EXPECT_EQ(help.exit_code, 0) << help.output;
  }
}

TEST_F(KilnTest, AWrongCommandLineIsExitCodeTwo) {
  EXPECT_EQ(Kiln("").exit_code, 2);
  EXPECT_EQ(Kiln("fire").exit_code, 2);
  EXPECT_EQ(Kiln("propagate").exit_code, 2);
  EXPECT_EQ(Kiln("stats --no-such-option").exit_code, 2);
}

TEST_F(KilnTest, PropagatePrintsShapesAndGuards) {
  const std::string path = Write("broadcast.txt", kBroadcast);
  Ran ran = Kiln(absl::StrCat("propagate --bind=s0=8,s1=16,s2=8 ", path));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("aten.add.Tensor"));
  EXPECT_THAT(ran.output, HasSubstr("guards:\n"));
  EXPECT_THAT(ran.output, HasSubstr("s0 == s2  # aten.add.Tensor at broadcast.txt:2: broadcast of dim 0"));
  EXPECT_THAT(ran.output, Not(HasSubstr("\x1b")));
}

TEST_F(KilnTest, PropagateTakesOtherInputsAndExplainsSymbols) {
  const std::string path = Write("broadcast.txt", kBroadcast);
  const std::string inputs = "--input 'a: f32[s0=8, s1=16]' --input 'b: f32[s2=8, s1]' ";
  Ran ran = Kiln(absl::StrCat("propagate --why=s2 ", inputs, path));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("size 0 of %b; automatic; hint 8"));
  EXPECT_THAT(ran.output, HasSubstr("broadcast.txt:2"));
  EXPECT_EQ(Kiln(absl::StrCat("propagate --why=s9 ", inputs, path)).exit_code, 1);
  ran = Kiln(absl::StrCat("propagate --input 'a: f32[s0=x]' ", path));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("--input 'a: f32[s0=x]': 1:11: expected a 64-bit integer"));
}

TEST_F(KilnTest, PropagateByAServerSaysTheSame) {
  OwnServer server(folder_);
  const std::string graph = absl::StrCat(" --bind=s0=8,s1=16,s2=8 ", Write("broadcast.txt", kBroadcast));
  for (const char* how : {"", "--why=s2", "--json"}) {
    const Ran here = Kiln(absl::StrCat("propagate ", how, graph));
    const Ran there = Kiln(absl::StrCat("propagate --address=", server.address(), " ", how, graph));
    EXPECT_EQ(here.exit_code, 0) << here.output;
    EXPECT_EQ(here.output, there.output) << how;
  }
  const std::string page = folder_ + "/page.html";
  EXPECT_EQ(Kiln(absl::StrCat("propagate --html=", page, graph)).exit_code, 0);
  EXPECT_GT(std::filesystem::file_size(page), 5000u);
}

TEST_F(KilnTest, AnErrorNamesReasonFileNodeAndNextStep) {
  const std::string path =
      Write("bad.txt", "graph f(%a: f32[4, 64], %b: f32[32, 4]) {\n  %c = aten.mm.default(%a, %b)\n  return (%c)\n}\n");
  const Ran ran = Kiln("propagate " + path);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error: SHAPE_MISMATCH: node 0 (aten.mm.default)"));
  EXPECT_THAT(ran.output, HasSubstr("64"));
  EXPECT_THAT(ran.output, HasSubstr("32"));
  EXPECT_THAT(ran.output, HasSubstr("next: "));
  EXPECT_EQ(Kiln("show " + path).exit_code, 1);
  EXPECT_EQ(Kiln("propagate /nowhere").exit_code, 1);
}

TEST_F(KilnTest, OpsListsHowEachOperatorIsCompiled) {
  const Ran ran = Kiln("ops aten.add.");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, HasSubstr("aten.add.Tensor"));
  EXPECT_THAT(ran.output, HasSubstr("native"));
  EXPECT_THAT(Kiln("ops c10d").output, HasSubstr("refused"));
  EXPECT_THAT(Kiln("ops --summary").output, Not(HasSubstr("aten.")));
}

TEST_F(KilnTest, ShowStagesPrintsEveryStage) {
  const std::string path = Write("broadcast.txt", kBroadcast);
  const Ran ran = Kiln(absl::StrCat("show --stages --option fuse=true --option check_bounds=false ",
                                    "--bind=s0=8,s1=16,s2=8 ", path));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("define "));
  EXPECT_THAT(ran.output, HasSubstr("kiln_entry"));
  EXPECT_THAT(ran.output, HasSubstr("== manifest\n"));
  const Ran one = Kiln(absl::StrCat("show --stages --only schedule --bind s0=8,s1=16,s2=8 ", path));
  EXPECT_THAT(one.output, HasSubstr("program symbols=[s0, s1, s2]"));
  EXPECT_THAT(one.output, Not(HasSubstr("== llvm")));
  const Ran none = Kiln(absl::StrCat("show --stages --only=nonsense --bind=s0=8,s1=16,s2=8 ", path));
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.output, HasSubstr("there is no stage 'nonsense'"));
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(KilnTest, ShowPrintsAKernelsCodeSideBySideWhereThereIsRoom) {
  const std::string graph = absl::StrCat("--bind=s0=8,s1=16,s2=8 ", Write("broadcast.txt", kBroadcast));
  setenv("COLUMNS", "180", 1);
  const Ran wide = Kiln(absl::StrCat("show --kernel add_0 ", graph));
  EXPECT_EQ(wide.exit_code, 0) << wide.output;
  EXPECT_THAT(wide.output, HasSubstr("kernel.add_0 x1: aten.add.Tensor #0 (broadcast.txt:2)"));
  const std::vector<std::string> lines = absl::StrSplit(wide.output, '\n');
  bool beside = false;
  for (const std::string& line : lines) {
    beside |= absl::StartsWith(line, "loop IR ") && absl::StrContains(line, " | LLVM IR ") &&
              absl::StrContains(line, " | assembly");
    EXPECT_LE(line.size(), 180u);
  }
  EXPECT_TRUE(beside) << wide.output;
  setenv("COLUMNS", "80", 1);
  const Ran narrow = Kiln(absl::StrCat("show --kernel kernel.add_0 ", graph));
  unsetenv("COLUMNS");
  EXPECT_THAT(narrow.output, HasSubstr("\n== LLVM IR\n"));
  EXPECT_THAT(narrow.output, HasSubstr("\n== assembly\n"));
  const Ran none = Kiln(absl::StrCat("show --kernel nonsense ", graph));
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.output, HasSubstr("--kernel: there is no 'nonsense'; there are kernel.add_0"));
}

TEST_F(KilnTest, ShowWritesAPageOfAGraph) {
  const std::string graph = absl::StrCat("--bind=s0=8,s1=16,s2=8 ", Write("broadcast.txt", kBroadcast));
  const std::string path = folder_ + "/page.html";
  const Ran ran = Kiln(absl::StrCat("show --html ", path, " ", graph));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  const std::string page = ReadFile(path);
  EXPECT_THAT(page, HasSubstr("class=\"box node tint\""));
  // Names are the file's own, and stages have times.
  EXPECT_THAT(page, HasSubstr("%sum"));
  EXPECT_THAT(page, HasSubstr("\"stages\":[[\"propagate\","));
  EXPECT_THAT(page, HasSubstr("parallel i0"));
  const Ran nowhere = Kiln(absl::StrCat("show --html ", folder_, "/no/page.html ", graph));
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.output, HasSubstr(absl::StrCat(folder_, "/no/page.html")));
}

TEST_F(KilnTest, NoServerIsOneLineThatNamesTheAddress) {
  const std::string address = absl::StrCat("unix:", folder_, "/none.sock");
  const Ran ran = Kiln(absl::StrCat("stats --timeout=0.2 --address=", address));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error: UNAVAILABLE: no Kiln server answers at " + address));
}

TEST_F(KilnTest, CompilesThroughAServerShowsTheArtifactAndCounts) {
  OwnServer server(folder_);
  ASSERT_EQ(server.ready(), absl::StrCat("kiln: serving on ", server.address(), " metrics -"));
  const std::string graph = Write("broadcast.txt", kBroadcast);
  const std::string artifact = folder_ + "/broadcast.so";
  const std::string compile = absl::StrCat("compile --quiet --address=", server.address(),
                                           " --trusted-keys=", folder_, "/data/signing_key.pub ");

  Ran ran = Kiln(absl::StrCat(compile, "--bind=s0=8,s1=16,s2=8 --out=", artifact, " ", graph));
  ASSERT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("answer    compiled in "));
  EXPECT_THAT(ran.output, HasSubstr("broadcast.txt:2"));

  ran = Kiln(absl::StrCat("show ", artifact));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("aten.add.Tensor #0 (broadcast.txt:2)"));
  EXPECT_THAT(ran.output, HasSubstr("kernels   1"));

  EXPECT_THAT(Kiln(absl::StrCat("show --asm ", artifact)).output, HasSubstr("kernel.add_0:\n"));
  ran = Kiln(absl::StrCat("show --kernel add_0 ", artifact));
  EXPECT_THAT(ran.output, HasSubstr("kernel.add_0 x1: aten.add.Tensor #0 (broadcast.txt:2)"));
  EXPECT_THAT(ran.output, HasSubstr("\tretq"));
  ran = Kiln(absl::StrCat("show --html ", folder_, "/artifact.html ", artifact));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ReadFile(folder_ + "/artifact.html"), HasSubstr("\"stages\":[[\"propagate\","));
  EXPECT_THAT(ReadFile(folder_ + "/artifact.html"), HasSubstr("retq"));

  // Another variant of the same key, then hits of both.
  ran = Kiln(absl::StrCat(compile, "--bind=s0=8,s1=16,s2=1 ", graph));
  EXPECT_THAT(ran.output, HasSubstr("answer    compiled in "));
  ran = Kiln(absl::StrCat(compile, "--bind=s0=32,s1=5,s2=32 ", graph));
  EXPECT_THAT(ran.output, HasSubstr("answer    memory in "));
  ran = Kiln(absl::StrCat(compile, "--bind=s0=9,s1=7,s2=1 ", graph));
  EXPECT_THAT(ran.output, HasSubstr("answer    memory in "));

  ran = Kiln(absl::StrCat("stats --address=", server.address()));
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_THAT(ran.output, HasSubstr("compiles  2, 0 failed"));
  EXPECT_THAT(ran.output, HasSubstr("2 variants of 1 keys"));
  ran = Kiln(absl::StrCat("stats --json --address=", server.address()));
  EXPECT_THAT(ran.output, HasSubstr("\"compiles\": 2"));

  ran = Kiln(absl::StrCat("compile --address=", server.address(),
                          " --option=no_such_option=1 --bind=s0=8,s1=16,s2=8 ", graph));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error: OPTION_UNKNOWN: "));

  const std::string strangers = Write("keys", std::string(64, '0') + "\n");
  ran = Kiln(absl::StrCat("compile --address=", server.address(), " --trusted-keys=", strangers,
                          " --bind=s0=8,s1=16,s2=8 ", graph));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error: ARTIFACT_UNTRUSTED: "));
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(KilnTest, ShowCompilesForAnotherMachine) {
  const std::string graph = Write("exp.txt", "graph g(%x: f32[64]) { %y = aten.exp.default(%x) return (%y) }\n");
  const std::string show = absl::StrCat("show --stages --only=asm ", graph);
  EXPECT_THAT(Kiln(absl::StrCat(show, " --arch=aarch64")).output, HasSubstr(".4s, v"));
  EXPECT_THAT(Kiln(absl::StrCat(show, " --arch=aarch64 --features=sve,sve256")).output, HasSubstr("fscale"));
  EXPECT_THAT(Kiln(absl::StrCat(show, " --arch=x86_64 --features=avx,avx2,fma")).output, HasSubstr("%ymm"));
  const Ran refused = Kiln(absl::StrCat(show, " --arch=x86_64 --features=avx512_bf16"));
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.output, HasSubstr("is called avx512bf16"));
}

TEST_F(KilnTest, ServeSaysInOneLineWhyItCannotStart) {
  const std::string file = Write("file", "x");
  const Ran ran = Kiln(absl::StrCat("serve --listen=unix:", folder_, "/s.sock --metrics= --data=", file, "/below"));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.output, HasSubstr(file));
  const std::vector<std::string> lines = absl::StrSplit(ran.output, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), 1u) << ran.output;
}

TEST_F(KilnTest, ServeRefusesValuesThatMeanNothing) {
  for (const char* bad :
       {"--pin-lease=nan", "--pin-lease=1e300", "--drain=inf", "--idle-exit=-1", "--redis-ttl=1e300", "--lease=nan",
        "--scrub-mib-per-second=nan", "--memory-cache-mib=99999999999999999", "--disk-cache-mib=0",
        "--listen=127.0.0.1:99999", "--listen=localhost", "--metrics=127.0.0.1:x", "--peers=localhost:99999",
        "--peers=a:1,b", "--ready-file=/no/such/folder/ready"}) {
    const Ran ran = Kiln(absl::StrCat("serve --metrics=none --listen=unix:", folder_, "/s.sock ", bad));
    EXPECT_NE(ran.exit_code, 0) << bad;
    EXPECT_LE(ran.exit_code, 106) << bad;
    EXPECT_FALSE(ran.output.empty()) << bad;
    EXPECT_THAT(ran.output, Not(HasSubstr("serving on"))) << bad;
  }
}

TEST_F(KilnTest, AnAddressThatIsNoneIsRefusedBeforeAnybodyIsAsked) {
  const Ran ran = Kiln("stats --address=127.0.0.1:99999");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("has a port that is no number from 1 to 65535"));
  EXPECT_NE(Kiln("stats --timeout=nan").exit_code, 0);
  EXPECT_THAT(Kiln("cache stats --admin=localhost").output, HasSubstr("has no port"));
}

TEST_F(KilnTest, ExplainSaysWhatCompileWouldDoAndWhy) {
  const std::string path = Write("broadcast.txt", kBroadcast);
  OwnServer server(folder_);
  const std::string at = absl::StrCat(" --address=", server.address(), " ");
  Ran ran = Kiln(absl::StrCat("explain --bind=s0=8,s1=16,s2=8", at, path));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("miss (unknown_key): this domain has no entry of this graph"));
  EXPECT_THAT(ran.output, HasSubstr("avoid: Compile it once"));

  ran = Kiln(absl::StrCat("compile --quiet --bind=s0=8,s1=16,s2=8", at, path));
  EXPECT_EQ(ran.exit_code, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("because   miss (unknown_key)"));
  ran = Kiln(absl::StrCat("explain --bind=s0=8,s1=16,s2=8", at, path));
  EXPECT_THAT(ran.output, HasSubstr("hit in memory: variant "));
  EXPECT_THAT(ran.output, HasSubstr("s0 == s2"));

  // The guard that fails, with its values and the line of the file.
  ran = Kiln(absl::StrCat("explain --bind=s0=8,s1=16,s2=1", at, path));
  EXPECT_THAT(ran.output, HasSubstr("miss (guard_failed): "));
  EXPECT_THAT(ran.output, HasSubstr("(s0 = 8, s2 = 1), from aten.add.Tensor at broadcast.txt:2"));
  ran = Kiln(absl::StrCat("explain --bind=s0=8,s1=16,s2=8 --option=check_bounds=true", at, path));
  EXPECT_THAT(ran.output, HasSubstr("option check_bounds: true here, not given there"));

  ran = Kiln(absl::StrCat("explain --json --bind=s0=8,s1=16,s2=8", at, path));
  EXPECT_THAT(ran.output, HasSubstr("\"outcome\": \"OUTCOME_HIT\""));
}

TEST_F(KilnTest, ExplainRefusesWhatIsNotThere) {
  OwnServer server(folder_);
  const std::string at = absl::StrCat(" --address=", server.address());
  Ran ran = Kiln(absl::StrCat("explain --request=never", at));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.output, HasSubstr("error: UNKNOWN_SUBJECT"));
  ran = Kiln(absl::StrCat("explain --digest=", std::string(64, 'a'), at));
  EXPECT_THAT(ran.output, HasSubstr("error: UNKNOWN_SUBJECT"));
  ran = Kiln(absl::StrCat("explain --digest=xyz", at));
  EXPECT_THAT(ran.output, HasSubstr("error: BAD_ARGUMENT_VALUE"));
  EXPECT_EQ(Kiln(absl::StrCat("explain", at)).exit_code, 2);
  EXPECT_EQ(Kiln(absl::StrCat("explain --request=a --digest=b", at)).exit_code, 2);
}

}  // namespace
}  // namespace kiln
