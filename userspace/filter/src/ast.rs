//! The syntax tree of a condition. Printing a tree gives text that parses to the same tree.

use std::fmt;

use crate::error::Span;

/// Deepest tree any step takes. Steps that walk trees recurse, and this bounds them to well under a thread's stack.
pub const MAX_DEPTH: usize = 1000;

/// A condition or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// All hold. Two or more parts.
    And(Vec<Expr>),
    /// At least one holds. Two or more parts.
    Or(Vec<Expr>),
    /// Does not hold.
    Not(Box<Expr>),
    /// `field exists`.
    Unary(Box<UnaryCheck>),
    /// `field operator value`.
    Binary(Box<BinaryCheck>),
    /// A macro's name, before [`Expr::substitute`].
    Macro(Box<str>),
}

/// `lhs exists`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnaryCheck {
    /// What must have a value.
    pub lhs: Operand,
}

/// `lhs operator rhs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinaryCheck {
    /// Left side.
    pub lhs: Operand,
    /// Operator.
    pub op: Operator,
    /// How several values on the right combine.
    pub modifier: Option<Modifier>,
    /// Right side.
    pub rhs: Rhs,
    /// Where the operator stands.
    pub op_span: Span,
}

/// What a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A field.
    Field(FieldExpr),
    /// A transformer.
    Call(Call),
}

/// A field as written; its name is checked when the condition is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldExpr {
    /// Name and argument, for example `proc.aname[2]`.
    pub text: Box<str>,
    /// Where it stands.
    pub span: Span,
}

/// A transformer and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The transformer.
    pub function: Function,
    /// Arguments, one or more.
    pub args: Vec<Arg>,
    /// Text in square brackets after the call (`getopt(...)[c]`).
    pub option: Option<Literal>,
    /// Where it stands.
    pub span: Span,
}

/// One argument of a transformer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A constant.
    Literal(Literal),
    /// A list in parentheses.
    List(Vec<Arg>),
    /// A field or another transformer.
    Operand(Operand),
}

/// Right side of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rhs {
    /// One constant.
    One(Literal),
    /// Constants in parentheses.
    List(Vec<Literal>),
    /// `val(field)`.
    Field(FieldExpr),
    /// A transformer.
    Call(Call),
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its bytes, with escapes resolved.
    pub bytes: Box<[u8]>,
    /// Whether it stood in quotes.
    pub quoted: bool,
    /// Where it stands.
    pub span: Span,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$item])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As written in a condition.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            pub(crate) fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Operators.
    Operator {
        /// Equal; `==` is the same.
        Eq = "=",
        /// Not equal.
        Ne = "!=",
        /// Less.
        Lt = "<",
        /// Less or equal.
        Le = "<=",
        /// Greater.
        Gt = ">",
        /// Greater or equal.
        Ge = ">=",
        /// Holds the text.
        Contains = "contains",
        /// Holds the text, ASCII case ignored.
        IContains = "icontains",
        /// Holds the bytes given in hexadecimal.
        BContains = "bcontains",
        /// Begins with the text.
        StartsWith = "startswith",
        /// Begins with the bytes given in hexadecimal.
        BStartsWith = "bstartswith",
        /// Ends with the text.
        EndsWith = "endswith",
        /// Fits the pattern.
        Glob = "glob",
        /// Fits the pattern, ASCII case ignored.
        IGlob = "iglob",
        /// Fits the regular expression from end to end.
        Regex = "regex",
        /// Equals one of the list; for list fields, each element does.
        In = "in",
        /// Equals one of the list; for list fields, some element does.
        Intersects = "intersects",
        /// Is one of the paths or lies below one.
        PMatch = "pmatch",
        /// Has a value.
        Exists = "exists",
    }
}

words! {
    /// How an operator combines the values of a list.
    Modifier {
        /// Exactly one satisfies it.
        OneOf = "oneof",
        /// At least one does.
        AnyOf = "anyof",
        /// All do, and there is one.
        AllOf = "allof",
    }
}

words! {
    /// Transformers.
    Function {
        /// Lower case, ASCII.
        ToLower = "tolower",
        /// Upper case, ASCII.
        ToUpper = "toupper",
        /// Decodes base64.
        B64 = "b64",
        /// Text after the last `/`.
        Basename = "basename",
        /// Length in bytes or elements.
        Len = "len",
        /// Elements of a list joined with a separator.
        Join = "join",
        /// Texts joined.
        Concat = "concat",
        /// Command line options of an argument list.
        GetOpt = "getopt",
    }
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// Moves the children out, leaving an empty `And` if there were any.
    fn take_children(&mut self, to: &mut Vec<Self>) {
        match &mut self.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => to.append(parts),
            ExprKind::Not(_) => {
                if let ExprKind::Not(inner) = std::mem::replace(&mut self.kind, ExprKind::And(Vec::new())) {
                    to.push(*inner);
                }
            }
            ExprKind::Unary(_) | ExprKind::Binary(_) | ExprKind::Macro(_) => {}
        }
    }

    const fn is_composite(&self) -> bool {
        matches!(self.kind, ExprKind::And(_) | ExprKind::Or(_))
    }
}

/// Trees are public and may be built by hand to any depth, so freeing one must not recurse.
impl Drop for Expr {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.take_children(&mut pending);
        while let Some(mut expr) = pending.pop() {
            expr.take_children(&mut pending);
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::And(parts) => joined(f, parts, " and ", nested),
            ExprKind::Or(parts) => joined(f, parts, " or ", nested),
            ExprKind::Not(inner) if matches!(inner.kind, ExprKind::Not(_)) => write!(f, "not ({inner})"),
            ExprKind::Not(inner) => {
                f.write_str("not ")?;
                nested(f, inner)
            }
            ExprKind::Unary(check) => write!(f, "{} {}", check.lhs, Operator::Exists),
            ExprKind::Binary(check) => check.fmt(f),
            ExprKind::Macro(name) => f.write_str(name),
        }
    }
}

fn nested(f: &mut fmt::Formatter<'_>, expr: &Expr) -> fmt::Result {
    if expr.is_composite() { write!(f, "({expr})") } else { fmt::Display::fmt(expr, f) }
}

fn joined<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    each: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        each(f, item)?;
    }
    Ok(())
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    f.write_str("(")?;
    joined(f, items, ", ", |f, item| item.fmt(f))?;
    f.write_str(")")
}

impl fmt::Display for BinaryCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.lhs, self.op)?;
        if let Some(modifier) = self.modifier {
            write!(f, "{modifier} ")?;
        }
        match &self.rhs {
            Rhs::One(literal) => literal.fmt(f),
            Rhs::List(items) => list(f, items),
            Rhs::Field(field) => write!(f, "val({field})"),
            Rhs::Call(call) => call.fmt(f),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => field.fmt(f),
            Self::Call(call) => call.fmt(f),
        }
    }
}

impl fmt::Display for FieldExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)?;
        list(f, &self.args)?;
        match &self.option {
            Some(option) => write!(f, "[{option}]"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::List(items) => list(f, items),
            Self::Operand(operand) => operand.fmt(f),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.quoted {
            return String::from_utf8_lossy(&self.bytes).fmt(f);
        }
        f.write_str("\"")?;
        for chunk in self.bytes.utf8_chunks() {
            chunk.valid().chars().try_for_each(|c| escaped(f, c))?;
            chunk.invalid().iter().try_for_each(|b| write!(f, "\\x{b:02x}"))?;
        }
        f.write_str("\"")
    }
}

fn escaped(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c)),
        c => write!(f, "{c}"),
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Trees without positions, so that trees from different texts can be compared.

    use super::*;

    pub(crate) fn without_spans(mut expr: Expr) -> Expr {
        clear(&mut expr);
        expr
    }

    fn clear(expr: &mut Expr) {
        expr.span = Span::default();
        match &mut expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter_mut().for_each(clear),
            ExprKind::Not(inner) => clear(inner),
            ExprKind::Unary(check) => clear_operand(&mut check.lhs),
            ExprKind::Binary(check) => {
                clear_operand(&mut check.lhs);
                check.op_span = Span::default();
                match &mut check.rhs {
                    Rhs::One(literal) => literal.span = Span::default(),
                    Rhs::List(items) => items.iter_mut().for_each(|item| item.span = Span::default()),
                    Rhs::Field(field) => field.span = Span::default(),
                    Rhs::Call(call) => clear_call(call),
                }
            }
            ExprKind::Macro(_) => {}
        }
    }

    fn clear_operand(operand: &mut Operand) {
        match operand {
            Operand::Field(field) => field.span = Span::default(),
            Operand::Call(call) => clear_call(call),
        }
    }

    fn clear_call(call: &mut Call) {
        call.span = Span::default();
        call.args.iter_mut().for_each(clear_arg);
        if let Some(option) = &mut call.option {
            option.span = Span::default();
        }
    }

    fn clear_arg(arg: &mut Arg) {
        match arg {
            Arg::Literal(literal) => literal.span = Span::default(),
            Arg::List(items) => items.iter_mut().for_each(clear_arg),
            Arg::Operand(operand) => clear_operand(operand),
        }
    }
}
