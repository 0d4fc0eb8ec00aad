//! A condition with every name resolved, every constant converted and every operator checked.
//!
//! Nodes lie in one array, children before parents, so walking and freeing a filter never depends on its depth
//! beyond [`MAX_DEPTH`](crate::MAX_DEPTH) levels.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::ast::{Function, Modifier, Operator};
use crate::compile::Warning;
use crate::error::Span;
use crate::fields::{Class, FieldFlags, FieldRef, FieldType};
use crate::pattern::{Glob, IpNet, PathSet, Pattern};

/// Index of a [`Node`] in its [`Filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

/// Index of a [`Test`] in its [`Filter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestId(pub(crate) u32);

impl TestId {
    /// Position in [`Filter::tests`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A part of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// All hold.
    And(Box<[NodeId]>),
    /// At least one holds.
    Or(Box<[NodeId]>),
    /// Does not hold.
    Not(NodeId),
    /// A check.
    Test(TestId),
}

/// Whether a check helps the condition to match or to be excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Polarity {
    /// Under an even number of negations.
    Inclusive,
    /// Under an odd number of negations.
    Exclusive,
}

impl Polarity {
    /// The other one.
    #[must_use]
    pub const fn flipped(self) -> Self {
        match self {
            Self::Inclusive => Self::Exclusive,
            Self::Exclusive => Self::Inclusive,
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What is looked at.
    pub lhs: TypedOperand,
    /// Type of its value or elements.
    pub ty: FieldType,
    /// Whether its value is a list.
    pub is_list: bool,
    /// Operator. `= anyof` has become `in`.
    pub op: Operator,
    /// How several constants combine.
    pub modifier: Option<Modifier>,
    /// What it is compared with.
    pub rhs: TypedRhs,
    /// Negations above it.
    pub polarity: Polarity,
    /// Where it stands.
    pub span: Span,
}

/// Left side of a check, or a field on its right.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedOperand {
    /// A field.
    Field(FieldRef),
    /// A transformer.
    Call(Box<TypedCall>),
}

/// A transformer whose arguments fit.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedCall {
    /// The transformer.
    pub function: Function,
    /// Its arguments.
    pub args: Box<[TypedArg]>,
    /// The option letter of `getopt(...)[c]`.
    pub option: Option<u8>,
}

/// Argument of a transformer.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedArg {
    /// A constant.
    Text(Box<[u8]>),
    /// A list written out.
    List(Box<[TypedArg]>),
    /// A field or another transformer.
    Operand(TypedOperand),
}

/// Right side of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedRhs {
    /// Nothing (`exists`).
    None,
    /// Constants as written.
    Values(Box<[Constant]>),
    /// A set of texts, sorted (`in`, `intersects`).
    Texts(Box<[Box<[u8]>]>),
    /// A set of paths (`pmatch`).
    Paths(PathSet),
    /// Another field.
    Operand(TypedOperand),
}

/// A constant converted to the type on its left.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// True or false.
    Bool(bool),
    /// Whole number of any width; also ports and times.
    Int(i128),
    /// Text or bytes.
    Text(Box<[u8]>),
    /// Address.
    Ip(IpAddr),
    /// Network.
    Net(IpNet),
    /// Shell pattern.
    Glob(Glob),
    /// Regular expression.
    Regex(Pattern),
    /// For a field whose type is known only at run time: the text, and the number it may be.
    Dynamic {
        /// As written.
        text: Box<[u8]>,
        /// As a number.
        number: Option<i128>,
    },
}

/// A condition ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(crate) nodes: Vec<Node>,
    pub(crate) tests: Vec<Test>,
    pub(crate) root: NodeId,
    pub(crate) warnings: Vec<Warning>,
}

impl Filter {
    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// A node of this filter.
    ///
    /// # Panics
    /// If the id comes from another filter.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A check of this filter.
    ///
    /// # Panics
    /// If the id comes from another filter.
    #[must_use]
    pub fn test(&self, id: TestId) -> &Test {
        &self.tests[id.index()]
    }

    /// All checks, left to right.
    #[must_use]
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// What the author may want to change.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Every field the filter reads.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<FieldRef> {
        let mut fields = BTreeSet::new();
        for test in &self.tests {
            test.for_each_field(&mut |field| {
                fields.insert(field.clone());
            });
        }
        fields
    }
}

impl Test {
    /// Calls `visit` for every field the check reads, left to right.
    pub fn for_each_field(&self, visit: &mut impl FnMut(&FieldRef)) {
        self.lhs.for_each_field(visit);
        if let TypedRhs::Operand(operand) = &self.rhs {
            operand.for_each_field(visit);
        }
    }

    /// When the result of the check can change: `Event` if its fields change at different times.
    #[must_use]
    pub fn changes(&self) -> Class {
        let mut changes: Option<Class> = None;
        self.for_each_field(&mut |field| {
            let class = field.id.info().changes;
            changes = Some(match changes {
                None => class,
                Some(so_far) if so_far == class => class,
                Some(Class::Process | Class::Lineage) if matches!(class, Class::Process | Class::Lineage) => {
                    Class::Lineage
                }
                Some(_) => Class::Event,
            });
        });
        // A check without any field (only constants in a transformer) never changes.
        changes.unwrap_or(Class::Process)
    }

    /// Whether `!=` must hold for both ends of a connection.
    pub(crate) fn tests_endpoints(&self) -> bool {
        matches!(&self.lhs, TypedOperand::Field(field) if field.id.info().flags.has(FieldFlags::ENDPOINTS))
    }
}

impl TypedOperand {
    /// Calls `visit` for every field the operand reads, left to right.
    pub fn for_each_field(&self, visit: &mut impl FnMut(&FieldRef)) {
        match self {
            Self::Field(field) => visit(field),
            Self::Call(call) => call.args.iter().for_each(|arg| arg.for_each_field(visit)),
        }
    }
}

impl TypedArg {
    fn for_each_field(&self, visit: &mut impl FnMut(&FieldRef)) {
        match self {
            Self::Text(_) => {}
            Self::List(items) => items.iter().for_each(|item| item.for_each_field(visit)),
            Self::Operand(operand) => operand.for_each_field(visit),
        }
    }
}
