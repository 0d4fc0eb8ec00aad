//! Syntax tree to typed filter.

mod constant;
mod operand;

use crate::ast::{BinaryCheck, Expr, ExprKind, Literal, MAX_DEPTH, Modifier, Operator, Rhs};
use crate::error::{ConditionError, ErrorKind, Span, quoted};
use crate::fields::{FieldFlags, FieldType};
use crate::pattern::PathSet;
use crate::typed::{Constant, Filter, Node, NodeId, Polarity, Test, TestId, TypedOperand, TypedRhs};
use operand::{Side, Typed};

/// Knows the names a condition may compare `evt.type` with: events, system calls, and our own records.
pub trait EventNames {
    /// Whether there is such an event or system call.
    fn is_known(&self, name: &str) -> bool;
}

/// Something that works and is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub kind: WarningKind,
    /// Where.
    pub span: Span,
    /// In words.
    pub message: String,
}

/// Kinds of [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// The field is going away.
    DeprecatedField,
    /// A constant is the name of a field: `val(...)` may be missing.
    LooksLikeField,
    /// A constant in quotes reads like a transformer.
    LooksLikeTransformer,
}

impl Filter {
    /// Checks a condition without macros and prepares it for evaluation.
    ///
    /// # Errors
    /// On the first field, operator or constant that does not fit, on a remaining macro, or if the tree is deeper than
    /// [`MAX_DEPTH`].
    pub fn compile(expr: &Expr, events: &dyn EventNames) -> Result<Self, ConditionError> {
        let mut compiler = Compiler { events, nodes: Vec::new(), tests: Vec::new(), warnings: Vec::new() };
        let root = compiler.expr(expr, Polarity::Inclusive, 1)?;
        let Compiler { nodes, tests, warnings, .. } = compiler;
        Ok(Self { nodes, tests, root, warnings })
    }
}

struct Compiler<'e> {
    events: &'e dyn EventNames,
    nodes: Vec<Node>,
    tests: Vec<Test>,
    warnings: Vec<Warning>,
}

impl Compiler<'_> {
    fn expr(&mut self, expr: &Expr, polarity: Polarity, depth: usize) -> Result<NodeId, ConditionError> {
        if depth > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(ConditionError::new(
                ErrorKind::TooDeep,
                expr.span,
                message,
                "one more level",
                "a flatter condition",
            ));
        }
        let node = match &expr.kind {
            ExprKind::And(parts) => Node::And(self.parts(parts, polarity, depth)?),
            ExprKind::Or(parts) => Node::Or(self.parts(parts, polarity, depth)?),
            ExprKind::Not(inner) => Node::Not(self.expr(inner, polarity.flipped(), depth + 1)?),
            ExprKind::Macro(name) => return Err(undefined_macro(expr.span, name)),
            ExprKind::Unary(_) | ExprKind::Binary(_) => {
                let test = self.check(expr, polarity)?;
                self.tests.push(test);
                Node::Test(TestId(index(self.tests.len() - 1, expr.span)?))
            }
        };
        self.nodes.push(node);
        Ok(NodeId(index(self.nodes.len() - 1, expr.span)?))
    }

    fn parts(&mut self, parts: &[Expr], polarity: Polarity, depth: usize) -> Result<Box<[NodeId]>, ConditionError> {
        parts.iter().map(|part| self.expr(part, polarity, depth + 1)).collect()
    }

    /// Kept out of `expr`, whose frame the nesting multiplies.
    #[inline(never)]
    fn check(&mut self, expr: &Expr, polarity: Polarity) -> Result<Test, ConditionError> {
        match &expr.kind {
            ExprKind::Binary(check) => self.binary(check, polarity, expr.span),
            ExprKind::Unary(check) => {
                let lhs = self.operand(&check.lhs, Side::Left)?;
                Ok(test(lhs, Operator::Exists, None, TypedRhs::None, polarity, expr.span))
            }
            ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::Macro(_) => {
                Err(ConditionError::syntax(expr.span, "a condition", "a check"))
            }
        }
    }

    fn binary(&mut self, check: &BinaryCheck, polarity: Polarity, span: Span) -> Result<Test, ConditionError> {
        let lhs = self.operand(&check.lhs, Side::Left)?;
        let allowed = operators(lhs.ty, lhs.is_list);
        if !allowed.contains(&check.op) {
            return Err(wrong_operator(check, &lhs, allowed));
        }
        let rhs = match &check.rhs {
            Rhs::One(literal) => self.constants(check, &lhs, std::slice::from_ref(literal))?,
            Rhs::List(literals) => self.constants(check, &lhs, literals)?,
            Rhs::Field(field) => {
                let rhs = self.field(field, Side::Right)?;
                self.comparable(check, &lhs, rhs, field.span)?
            }
            Rhs::Call(call) => {
                let rhs = self.call(call)?;
                self.comparable(check, &lhs, rhs, call.span)?
            }
        };
        let (op, modifier) = match (check.op, check.modifier) {
            (Operator::Eq, Some(Modifier::AnyOf)) => (Operator::In, None),
            unchanged => unchanged,
        };
        Ok(test(lhs, op, modifier, rhs, polarity, span))
    }

    fn constants(
        &mut self,
        check: &BinaryCheck,
        lhs: &Typed,
        literals: &[Literal],
    ) -> Result<TypedRhs, ConditionError> {
        for literal in literals {
            constant::check_bytes(literal)?;
            self.check_event_name(lhs, check.op, literal)?;
            self.warn_about(lhs.ty, literal);
        }
        let is_set = matches!(check.op, Operator::In | Operator::Intersects)
            || (check.op == Operator::Eq && check.modifier == Some(Modifier::AnyOf));
        if check.op == Operator::PMatch {
            return path_set(literals).map(TypedRhs::Paths);
        }
        if is_set && lhs.ty == FieldType::Text {
            let mut texts: Vec<Box<[u8]>> = literals.iter().map(|literal| literal.bytes.clone()).collect();
            texts.sort_unstable();
            texts.dedup();
            return Ok(TypedRhs::Texts(texts.into()));
        }
        let convert = |literal| constant::convert(literal, check.op, lhs.ty);
        let values: Result<Vec<Constant>, ConditionError> = literals.iter().map(convert).collect();
        Ok(TypedRhs::Values(values?.into()))
    }

    fn check_event_name(&self, lhs: &Typed, op: Operator, literal: &Literal) -> Result<(), ConditionError> {
        let compares_names = matches!(op, Operator::Eq | Operator::Ne | Operator::In | Operator::Intersects);
        let is_name =
            matches!(&lhs.operand, TypedOperand::Field(field) if field.id.info().flags.has(FieldFlags::EVENT_NAME));
        if !compares_names || !is_name {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&literal.bytes);
        if self.events.is_known(&name) {
            return Ok(());
        }
        let message = format!("unknown event type {}", quoted(&name));
        let expected = "the name of an event or system call";
        Err(ConditionError::new(ErrorKind::UnknownEventType, literal.span, message, &quoted(&name), expected))
    }

    fn comparable(&self, check: &BinaryCheck, lhs: &Typed, rhs: Typed, span: Span) -> Result<TypedRhs, ConditionError> {
        let name = rhs.name();
        if matches!(check.op, Operator::PMatch | Operator::Regex) || lhs.ty == FieldType::Net {
            let message = format!("`{}` on {} takes constants only, not {name}", check.op, lhs.name());
            return Err(ConditionError::new(ErrorKind::Operator, span, message, &name, "a constant"));
        }
        if lhs.ty != rhs.ty || lhs.is_list != rhs.is_list {
            let (left, right) = (lhs.type_name(), rhs.type_name());
            let message = format!("{} is {left}, {name} is {right}: only equal types compare", lhs.name());
            return Err(ConditionError::new(ErrorKind::Value, span, message, &right, &left));
        }
        Ok(TypedRhs::Operand(rhs.operand))
    }
}

fn test(lhs: Typed, op: Operator, modifier: Option<Modifier>, rhs: TypedRhs, polarity: Polarity, span: Span) -> Test {
    Test { ty: lhs.ty, is_list: lhs.is_list, lhs: lhs.operand, op, modifier, rhs, polarity, span }
}

fn index(at: usize, span: Span) -> Result<u32, ConditionError> {
    u32::try_from(at).map_err(|_| {
        let message = "the condition has too many checks".to_owned();
        ConditionError::new(ErrorKind::TooLarge, span, message, "one more check", "fewer checks")
    })
}

fn undefined_macro(span: Span, name: &str) -> ConditionError {
    let message = format!("undefined macro {}", quoted(name));
    ConditionError::new(ErrorKind::UnknownMacro, span, message, &quoted(name), "a check")
}

fn path_set(literals: &[Literal]) -> Result<PathSet, ConditionError> {
    let mut set = PathSet::default();
    for literal in literals {
        set.insert(&literal.bytes).map_err(|error| constant::refused(literal, &error.to_string(), "a path"))?;
    }
    Ok(set)
}

/// The operators a type takes.
fn operators(ty: FieldType, is_list: bool) -> &'static [Operator] {
    use Operator::{
        BContains, BStartsWith, Contains, EndsWith, Eq, Exists, Ge, Glob, Gt, IContains, IGlob, In, Intersects, Le, Lt,
        Ne, PMatch, Regex, StartsWith,
    };
    const NUMBER: &[Operator] = &[Eq, Ne, Lt, Le, Gt, Ge, In, Intersects, Exists];
    const PLAIN: &[Operator] = &[Eq, Ne, In, Intersects, Exists];
    const TEXT: &[Operator] = &[
        Eq, Ne, Lt, Le, Gt, Ge, Contains, IContains, StartsWith, EndsWith, Glob, IGlob, PMatch, Regex, In, Intersects,
        Exists,
    ];
    const BYTES: &[Operator] =
        &[Eq, Ne, Contains, BContains, StartsWith, BStartsWith, EndsWith, In, Intersects, Exists];
    const LIST: &[Operator] = &[In, Intersects, Exists];
    if is_list {
        return LIST;
    }
    match ty {
        FieldType::Bool | FieldType::Ip | FieldType::Net => PLAIN,
        FieldType::Text => TEXT,
        FieldType::Bytes => BYTES,
        FieldType::Dynamic => Operator::ALL,
        FieldType::Int16
        | FieldType::Int32
        | FieldType::Int64
        | FieldType::Uint32
        | FieldType::Uint64
        | FieldType::Port
        | FieldType::RelTime
        | FieldType::AbsTime
        | FieldType::Double => NUMBER,
    }
}

fn wrong_operator(check: &BinaryCheck, lhs: &Typed, allowed: &[Operator]) -> ConditionError {
    let names: Vec<String> = allowed.iter().map(|op| format!("`{op}`")).collect();
    let expected = names.join(", ");
    let message = format!("`{}` does not apply to {} ({}): use {expected}", check.op, lhs.name(), lhs.type_name());
    ConditionError::new(ErrorKind::Operator, check.op_span, message, &format!("`{}`", check.op), &expected)
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
