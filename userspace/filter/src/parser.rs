//! Text to syntax tree.
//!
//! Parentheses are kept on a stack of our own and a run of `not` is a loop, so nesting costs no thread stack;
//! only transformers recurse, to [`MAX_CALL_DEPTH`]. Example: `a and (b or not c)` is `And[a, Or[b, Not c]]`.
//! `and` binds tighter than `or`; a double negation disappears.

use crate::ast::{
    Arg, BinaryCheck, Call, Expr, ExprKind, FieldExpr, Function, Literal, MAX_DEPTH, Modifier, Operand, Operator, Rhs,
    UnaryCheck,
};
use crate::error::{ConditionError, ErrorKind, SourceId};
use crate::lexer::{Cursor, Place};

/// Deepest nesting of transformers and their list arguments.
const MAX_CALL_DEPTH: usize = 32;

/// Bounds on a condition's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of parentheses and of the resulting tree; at most [`MAX_DEPTH`].
    pub max_depth: usize,
    /// Longest text.
    pub max_bytes: usize,
}

impl Limits {
    /// Longest text of any condition, in bytes. Lists make conditions long; this is far beyond any seen.
    pub const MAX_BYTES: usize = 4 << 20;

    /// Limits for the conditions of rules and macros.
    #[must_use]
    pub const fn for_rules() -> Self {
        Self { max_depth: MAX_DEPTH, max_bytes: Self::MAX_BYTES }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_depth: 100, max_bytes: Self::MAX_BYTES }
    }
}

/// Parses a condition.
///
/// # Errors
/// On the first place that does not follow the grammar, or if a limit is passed.
pub fn parse(text: &str, limits: &Limits) -> Result<Expr, ConditionError> {
    parse_from(text, SourceId::default(), limits)
}

/// Parses a condition whose positions name `source`: for macros, so that an error says which text it is in.
///
/// # Errors
/// As [`parse`].
pub fn parse_from(text: &str, source: SourceId, limits: &Limits) -> Result<Expr, ConditionError> {
    let cursor = Cursor::new(text, source);
    let max_bytes = limits.max_bytes.min(Limits::MAX_BYTES);
    if text.len() > max_bytes {
        let message =
            format!("the condition has {} bytes, more than {max_bytes}: use lists or split the rule", text.len());
        return Err(ConditionError::new(
            ErrorKind::TooLarge,
            cursor.span_from(cursor.place()),
            message,
            "a long text",
            "a shorter one",
        ));
    }
    Parser { cursor, max_depth: limits.max_depth.clamp(1, MAX_DEPTH) }.condition()
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    max_depth: usize,
}

/// A tree and its height.
struct Tree {
    expr: Expr,
    height: usize,
}

/// Parts of one `and` or `or`.
#[derive(Default)]
struct Parts {
    parts: Vec<Expr>,
    height: usize,
}

impl Parts {
    fn push(&mut self, tree: Tree) {
        self.height = self.height.max(tree.height);
        self.parts.push(tree.expr);
    }
}

/// An open parenthesis, or the whole condition.
struct Frame {
    open: Place,
    /// Where the `not` before it starts, if there is one.
    from: Place,
    negated: bool,
    or: Parts,
    and: Parts,
}

impl Frame {
    fn new(open: Place, from: Place, negated: bool) -> Self {
        Self { open, from, negated, or: Parts::default(), and: Parts::default() }
    }
}

/// What follows an operand.
enum Joint {
    And,
    Or,
    Close,
    End,
}

const OPERAND: &str = "a field, a transformer, a macro, `not` or `(`";
const VALUE: &str = "a value, `val(field)` or a transformer";
const ARGUMENT: &str = "a field, a transformer, a list, a text in quotes or a number";

impl<'t> Parser<'t> {
    fn condition(mut self) -> Result<Expr, ConditionError> {
        let mut open: Vec<Frame> = Vec::new();
        let mut frame = Frame::new(self.cursor.place(), self.cursor.place(), false);
        loop {
            self.cursor.skip_blanks();
            let from = self.cursor.place();
            let negated = self.negations();
            let at = self.cursor;
            if self.cursor.take_symbol("(") {
                if open.len() >= self.max_depth {
                    return Err(self.too_deep(at));
                }
                open.push(std::mem::replace(&mut frame, Frame::new(at.place(), from, negated)));
                continue;
            }
            let check = self.check()?;
            let mut tree = self.negate(Tree { expr: check, height: 1 }, negated, from, at)?;
            loop {
                frame.and.push(tree);
                match self.joint(&frame, open.is_empty())? {
                    Joint::And => break,
                    Joint::Or => {
                        let closed = self.close(&mut frame.and, ExprKind::And, at)?;
                        frame.or.push(closed);
                        break;
                    }
                    Joint::End => return Ok(self.finish(&mut frame, at)?.expr),
                    Joint::Close => {
                        let inner = self.finish(&mut frame, at)?;
                        let (negated, from) = (frame.negated, frame.from);
                        tree = self.negate(inner, negated, from, at)?;
                        // `joint` answers `Close` only inside a parenthesis, which pushed a frame.
                        frame = open.pop().ok_or_else(|| at.unexpected("`and`, `or` or the end"))?;
                    }
                }
            }
        }
    }

    /// Skips blanks and any run of `not`; says whether the operand is negated.
    fn negations(&mut self) -> bool {
        let mut negated = false;
        loop {
            self.cursor.skip_blanks();
            if self.cursor.peek_name() != Some("not") {
                return negated;
            }
            let mut after = self.cursor;
            after.take(3);
            if !after.skip_blanks() && after.peek() != Some(b'(') {
                return negated;
            }
            self.cursor = after;
            negated = !negated;
        }
    }

    fn negate(&self, tree: Tree, negated: bool, from: Place, at: Cursor<'t>) -> Result<Tree, ConditionError> {
        if !negated {
            return Ok(tree);
        }
        let span = self.cursor.span_from(from);
        self.grown(Tree { expr: Expr::new(ExprKind::Not(Box::new(tree.expr)), span), height: tree.height + 1 }, at)
    }

    fn close(
        &self,
        parts: &mut Parts,
        kind: fn(Vec<Expr>) -> ExprKind,
        at: Cursor<'t>,
    ) -> Result<Tree, ConditionError> {
        let Parts { mut parts, height } = std::mem::take(parts);
        if parts.len() == 1
            && let Some(expr) = parts.pop()
        {
            return Ok(Tree { expr, height });
        }
        let span = match (parts.first(), parts.last()) {
            (Some(first), Some(last)) => {
                let mut span = first.span;
                span.end = last.span.end;
                span
            }
            _ => self.cursor.span_from(self.cursor.place()),
        };
        self.grown(Tree { expr: Expr::new(kind(parts), span), height: height + 1 }, at)
    }

    fn finish(&self, frame: &mut Frame, at: Cursor<'t>) -> Result<Tree, ConditionError> {
        let last = self.close(&mut frame.and, ExprKind::And, at)?;
        frame.or.push(last);
        self.close(&mut frame.or, ExprKind::Or, at)
    }

    fn grown(&self, tree: Tree, at: Cursor<'t>) -> Result<Tree, ConditionError> {
        if tree.height > self.max_depth { Err(self.too_deep(at)) } else { Ok(tree) }
    }

    fn too_deep(&self, at: Cursor<'t>) -> ConditionError {
        let mut end = at;
        end.take(1);
        let message =
            format!("nested more than {} levels deep: move parts into macros or flatten them", self.max_depth);
        ConditionError::new(
            ErrorKind::TooDeep,
            end.span_from(at.place()),
            message,
            "one more level",
            "a flatter condition",
        )
    }

    fn joint(&mut self, frame: &Frame, outermost: bool) -> Result<Joint, ConditionError> {
        self.cursor.skip_blanks();
        if !outermost && self.cursor.take_symbol(")") {
            return Ok(Joint::Close);
        }
        let joint = match self.cursor.peek_name() {
            Some("and") => Joint::And,
            Some("or") => Joint::Or,
            None if self.cursor.peek().is_none() && outermost => return Ok(Joint::End),
            None if self.cursor.peek().is_none() => {
                let open = self.cursor.span_from(frame.open);
                return Err(self.cursor.unexpected(&format!("`)` to close the `(` at {}:{}", open.line, open.column)));
            }
            _ if outermost => return Err(self.cursor.unexpected("`and`, `or` or the end of the condition")),
            _ => return Err(self.cursor.unexpected("`and`, `or` or `)`")),
        };
        self.cursor.take(if matches!(joint, Joint::And) { 3 } else { 2 });
        if !self.cursor.skip_blanks() && self.cursor.peek() != Some(b'(') {
            return Err(self.cursor.unexpected("a blank or `(`"));
        }
        Ok(joint)
    }

    fn check(&mut self) -> Result<Expr, ConditionError> {
        let from = self.cursor.place();
        let Some(name) = self.cursor.peek_name() else { return Err(self.cursor.unexpected(OPERAND)) };
        let Some(lhs) = self.operand(0)? else {
            if Operator::from_word(name).is_some() || matches!(name, "and" | "or" | "not" | "val") {
                return Err(self.cursor.unexpected(OPERAND));
            }
            self.cursor.take(name.len());
            return Ok(Expr::new(ExprKind::Macro(name.into()), self.cursor.span_from(from)));
        };
        self.cursor.skip_blanks();
        let op_from = self.cursor.place();
        let op = self.operator()?;
        let op_span = self.cursor.span_from(op_from);
        if op == Operator::Exists {
            return Ok(Expr::new(ExprKind::Unary(Box::new(UnaryCheck { lhs })), self.cursor.span_from(from)));
        }
        let (modifier, rhs) = self.right_side(op)?;
        let check = BinaryCheck { lhs, op, modifier, rhs, op_span };
        Ok(Expr::new(ExprKind::Binary(Box::new(check)), self.cursor.span_from(from)))
    }

    fn operator(&mut self) -> Result<Operator, ConditionError> {
        use Operator::{Eq, Ge, Gt, In, Intersects, Le, Lt, Ne, PMatch};
        const SYMBOLS: [(&str, Operator); 7] =
            [("==", Eq), ("=", Eq), ("!=", Ne), ("<=", Le), ("<", Lt), (">=", Ge), (">", Gt)];
        if let Some((_, op)) = SYMBOLS.iter().find(|(symbol, _)| self.cursor.take_symbol(symbol)) {
            return Ok(*op);
        }
        let expected = "an operator such as `=`, `in`, `contains` or `exists`";
        let word = self.cursor.peek_name();
        let Some(op) = word.and_then(Operator::from_word) else { return Err(self.cursor.unexpected(expected)) };
        self.cursor.take(op.as_str().len());
        let needs_blank = !matches!(op, In | Intersects | PMatch | Operator::Exists);
        if needs_blank
            && self.cursor.peek().is_some()
            && !matches!(self.cursor.peek(), Some(b' ' | b'\t' | 8 | b'\r' | b'\n'))
        {
            return Err(self.cursor.unexpected(&format!("a blank after `{op}`")));
        }
        Ok(op)
    }

    fn right_side(&mut self, op: Operator) -> Result<(Option<Modifier>, Rhs), ConditionError> {
        use Operator::{Ge, Gt, In, Intersects, Le, Lt, PMatch};
        self.cursor.skip_blanks();
        let modifier = if matches!(op, Lt | Le | Gt | Ge | In | Intersects | PMatch) { None } else { self.modifier() };
        if modifier.is_some() {
            return Ok((modifier, self.list_or_name("a list in parentheses or a name")?));
        }
        if let Some(rhs) = self.field_or_call()? {
            return Ok((None, rhs));
        }
        let rhs = match op {
            Lt | Le | Gt | Ge => Rhs::One(
                self.cursor
                    .number()
                    .ok_or_else(|| self.cursor.unexpected("a number, `val(field)` or a transformer"))?,
            ),
            In | Intersects | PMatch => {
                self.list_or_name("a list in parentheses, a name, `val(field)` or a transformer")?
            }
            _ => Rhs::One(self.constant(VALUE)?),
        };
        Ok((None, rhs))
    }

    /// A modifier counts as one only before a list or a name; `proc.name = anyof` compares with a word.
    fn modifier(&mut self) -> Option<Modifier> {
        let modifier = Modifier::from_word(self.cursor.peek_name()?)?;
        let mut after = self.cursor;
        after.take(modifier.as_str().len());
        let blank = after.skip_blanks();
        let list = after.peek() == Some(b'(');
        let name = blank && after.peek_name().is_some_and(|name| !matches!(name, "and" | "or"));
        if !list && !name {
            return None;
        }
        self.cursor = after;
        Some(modifier)
    }

    fn field_or_call(&mut self) -> Result<Option<Rhs>, ConditionError> {
        if self.cursor.peek_name() == Some("val") && self.cursor.peek_after(3) == Some(b'(') {
            self.cursor.take(4);
            self.cursor.skip_blanks();
            let field = self.field()?.ok_or_else(|| self.cursor.unexpected("a field"))?;
            self.cursor.skip_blanks();
            self.symbol(")")?;
            return Ok(Some(Rhs::Field(field)));
        }
        Ok(self.call(0)?.map(Rhs::Call))
    }

    fn list_or_name(&mut self, expected: &str) -> Result<Rhs, ConditionError> {
        if !self.cursor.take_symbol("(") {
            let name = self.cursor.name_literal().ok_or_else(|| self.cursor.unexpected(expected))?;
            return Ok(Rhs::List(vec![name]));
        }
        self.cursor.skip_blanks();
        let mut items = Vec::new();
        if self.cursor.take_symbol(")") {
            return Ok(Rhs::List(items));
        }
        loop {
            items.push(self.constant("a value of the list")?);
            if !self.comma()? {
                return Ok(Rhs::List(items));
            }
        }
    }

    /// After an element: true at a comma, false at the closing parenthesis.
    fn comma(&mut self) -> Result<bool, ConditionError> {
        self.cursor.skip_blanks();
        if self.cursor.take_symbol(")") {
            return Ok(false);
        }
        if !self.cursor.take_symbol(",") {
            return Err(self.cursor.unexpected("`,` or `)`"));
        }
        self.cursor.skip_blanks();
        Ok(true)
    }

    fn constant(&mut self, expected: &str) -> Result<Literal, ConditionError> {
        if let Some(literal) = self.cursor.quoted()? {
            return Ok(literal);
        }
        self.cursor.bare().ok_or_else(|| self.cursor.unexpected(expected))
    }

    fn operand(&mut self, depth: usize) -> Result<Option<Operand>, ConditionError> {
        if let Some(call) = self.call(depth)? {
            return Ok(Some(Operand::Call(call)));
        }
        Ok(self.field()?.map(Operand::Field))
    }

    fn field(&mut self) -> Result<Option<FieldExpr>, ConditionError> {
        let from = self.cursor;
        let Some(length) = self.cursor.peek_field_name() else { return Ok(None) };
        self.cursor.take(length);
        self.brackets("an argument")?;
        let span = self.cursor.span_from(from.place());
        let length = (span.end - span.start) as usize;
        let text = from.rest().get(..length).unwrap_or_default().into();
        Ok(Some(FieldExpr { text, span }))
    }

    /// `[...]`, if it starts here.
    fn brackets(&mut self, expected: &str) -> Result<Option<Literal>, ConditionError> {
        if !self.cursor.take_symbol("[") {
            return Ok(None);
        }
        let literal = match self.cursor.quoted()? {
            Some(literal) => literal,
            None => self.bracket_word().ok_or_else(|| self.cursor.unexpected(expected))?,
        };
        self.symbol("]")?;
        Ok(Some(literal))
    }

    fn bracket_word(&mut self) -> Option<Literal> {
        let stop = |b: &u8| b.is_ascii_whitespace() || matches!(b, 0 | 8 | b'[' | b']' | b'"' | b'\'');
        let from = self.cursor.place();
        let length = self.cursor.rest().bytes().take_while(|b| !stop(b)).count();
        let bytes: Box<[u8]> = self.cursor.take(length).as_bytes().into();
        (length > 0).then(|| Literal { bytes, quoted: false, span: self.cursor.span_from(from) })
    }

    fn call(&mut self, depth: usize) -> Result<Option<Call>, ConditionError> {
        let Some(name) = self.cursor.peek_name() else { return Ok(None) };
        let Some(function) = Function::from_word(name).filter(|_| self.cursor.peek_after(name.len()) == Some(b'('))
        else {
            return Ok(None);
        };
        let at = self.cursor;
        if depth >= MAX_CALL_DEPTH {
            return Err(self.too_many_calls(at));
        }
        self.cursor.take(name.len() + 1);
        self.cursor.skip_blanks();
        let mut args = Vec::new();
        loop {
            args.push(self.argument(depth + 1)?);
            if !self.comma()? {
                break;
            }
        }
        let option = self.brackets("an option letter")?;
        Ok(Some(Call { function, args, option, span: self.cursor.span_from(at.place()) }))
    }

    fn argument(&mut self, depth: usize) -> Result<Arg, ConditionError> {
        if let Some(literal) = self.cursor.quoted()? {
            return Ok(Arg::Literal(literal));
        }
        if let Some(literal) = self.cursor.number() {
            return Ok(Arg::Literal(literal));
        }
        if self.cursor.peek() == Some(b'(') {
            return self.list_argument(depth);
        }
        match self.operand(depth)? {
            Some(operand) => Ok(Arg::Operand(operand)),
            None => Err(self.cursor.unexpected(ARGUMENT)),
        }
    }

    fn list_argument(&mut self, depth: usize) -> Result<Arg, ConditionError> {
        let at = self.cursor;
        if depth >= MAX_CALL_DEPTH {
            return Err(self.too_many_calls(at));
        }
        self.cursor.take(1);
        self.cursor.skip_blanks();
        let mut items = Vec::new();
        if self.cursor.take_symbol(")") {
            return Ok(Arg::List(items));
        }
        loop {
            if self.cursor.peek() == Some(b'(') {
                return Err(self.cursor.unexpected("a field, a transformer, a text in quotes or a number"));
            }
            items.push(self.argument(depth + 1)?);
            if !self.comma()? {
                return Ok(Arg::List(items));
            }
        }
    }

    fn too_many_calls(&self, at: Cursor<'t>) -> ConditionError {
        let message = format!("transformers nested more than {MAX_CALL_DEPTH} levels deep");
        ConditionError::new(
            ErrorKind::TooDeep,
            self.cursor.span_from(at.place()),
            message,
            "one more level",
            "fewer transformers",
        )
    }

    fn symbol(&mut self, symbol: &str) -> Result<(), ConditionError> {
        if self.cursor.take_symbol(symbol) { Ok(()) } else { Err(self.cursor.unexpected(&format!("`{symbol}`"))) }
    }
}

#[cfg(test)]
#[path = "parser_tests.rs"]
mod tests;
