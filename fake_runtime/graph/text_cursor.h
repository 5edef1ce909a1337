// A place in a text that is being parsed: what the parsers of the text forms
// (docs/text_form.md, compiler/loops/loop_ir.h) share. White space, and comments
// from `#` to the end of the line, are skipped before every token.
//
//   TextCursor in(text, "_.");
//   KILN_RETURN_IF_ERROR(in.ExpectWord("graph"));
//   KILN_ASSIGN_OR_RETURN(absl::string_view name, in.Word("the graph's name"));
//
// Every error is PARSE_ERROR with line and column ("3:14: expected ')'"), but
// that an expression's own error keeps its reason. Nothing is consumed by what
// fails to match.
//
// Not thread-safe. The text must outlive the cursor and every view it returns.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TEXT_CURSOR_H_
#define KILN_FAKE_RUNTIME_GRAPH_TEXT_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/tensor/fake_tensor.h"

namespace kiln {

class TextCursor {
 public:
  // Words are made of letters, digits and `word_marks`.
  TextCursor(absl::string_view text, absl::string_view word_marks) : text_(text), word_marks_(word_marks) {}

  absl::string_view text() const { return text_; }
  size_t pos() const { return pos_; }
  void set_pos(size_t pos) { pos_ = pos; }
  bool IsWordChar(char c) const;

  absl::Status ErrorAt(size_t pos, absl::string_view what) const;
  // At the next token.
  absl::Status Error(absl::string_view what);

  void SkipSpace();
  bool AtEnd();
  // '\0' at the end.
  char Peek();
  // Where the next token starts.
  size_t Start();

  // Tokens are compared by their characters: At("in") holds before "input".
  bool At(absl::string_view token);
  bool TryConsume(absl::string_view token);
  absl::Status Expect(absl::string_view token);

  // The next word; empty if there is none.
  absl::string_view PeekWord();
  bool AtWord(absl::string_view word) { return PeekWord() == word; }
  bool TryWord(absl::string_view word);
  absl::Status ExpectWord(absl::string_view word);
  absl::StatusOr<absl::string_view> Word(absl::string_view what);

  absl::StatusOr<int64_t> Integer(absl::string_view what);
  // A finite one; an integer counts.
  absl::StatusOr<double> Real(absl::string_view what);
  // In double quotes with C's escapes.
  absl::StatusOr<std::string> String();
  // The position of the quote that closes the string opened at `start`, or the
  // last character.
  size_t EndOfString(size_t start) const;

  // The text of an expression: up to a comma, bracket, brace or line end outside
  // parentheses. With `stops_at_space` also up to a space that no operator stands
  // beside: "s0 + 1 donated" ends before "donated".
  absl::string_view ExprText(bool stops_at_space = false);
  absl::StatusOr<Expr> ParseExpr(ExprPool* pool, bool stops_at_space = false);
  // "[s0, 4]". LIMIT_EXCEEDED beyond the limit of dimensions.
  absl::StatusOr<Dims> ParseDims(ExprPool* pool);

 private:
  bool BesideOperator(size_t space) const;

  absl::string_view text_;
  absl::string_view word_marks_;
  size_t pos_ = 0;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TEXT_CURSOR_H_
