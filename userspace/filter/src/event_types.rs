//! Which event types a condition can match, found without any event.
//!
//! Checks on `evt.type` and `syscall.type` give sets; `and` intersects, `or` unites, `not` is pushed down to the checks,
//! where it complements. Every other check is neutral, all types, negated or not. `evt.num` is at least 1, so
//! `evt.num = 0` is never true: the idiom for a switched-off macro. The result may be too wide, never too narrow.

use std::collections::BTreeSet;

use crate::ast::{Modifier, Operator};
use crate::fields::FieldId;
use crate::typed::{Constant, Filter, Node, NodeId, Test, TypedRhs};

type Names = BTreeSet<Box<[u8]>>;

/// A set of event type names, or all but a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeSet {
    /// These names.
    Only(Names),
    /// Every name but these.
    Except(Names),
}

impl TypeSet {
    /// Every type.
    #[must_use]
    pub const fn all() -> Self {
        Self::Except(Names::new())
    }

    /// No type.
    #[must_use]
    pub const fn none() -> Self {
        Self::Only(Names::new())
    }

    /// Whether it is every type.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self, Self::Except(names) if names.is_empty())
    }

    /// Whether it is no type: the condition can never match.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }

    /// Whether the type of this name is in the set.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name.as_bytes()),
            Self::Except(names) => !names.contains(name.as_bytes()),
        }
    }

    /// All types outside the set.
    #[must_use]
    pub fn complement(self) -> Self {
        match self {
            Self::Only(names) => Self::Except(names),
            Self::Except(names) => Self::Only(names),
        }
    }

    /// Types in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        self.complement().intersection(other.complement()).complement()
    }

    /// Types in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.intersection(&b).cloned().collect()),
            (Self::Only(a), Self::Except(b)) | (Self::Except(b), Self::Only(a)) => {
                Self::Only(a.difference(&b).cloned().collect())
            }
            (Self::Except(mut a), Self::Except(b)) => {
                a.extend(b);
                Self::Except(a)
            }
        }
    }
}

impl Filter {
    /// The event types the filter can match.
    #[must_use]
    pub fn event_types(&self) -> TypeSet {
        self.types_of(self.root, false)
    }

    fn types_of(&self, id: NodeId, negated: bool) -> TypeSet {
        match self.node(id) {
            Node::Not(inner) => self.types_of(*inner, !negated),
            Node::Test(test) => {
                let test = self.test(*test);
                match test.own_types() {
                    // `syscall.type != x` is false for what is no system call, so its negation holds there.
                    Some(TypeSet::Except(_)) if negated && test.is_on(FieldId::SyscallType) => TypeSet::all(),
                    Some(types) if negated => types.complement(),
                    Some(types) => types,
                    None => TypeSet::all(),
                }
            }
            // Under a negation `and` and `or` trade places.
            Node::And(parts) if !negated => self.fold_types(parts, negated, TypeSet::all(), TypeSet::intersection),
            Node::Or(parts) if negated => self.fold_types(parts, negated, TypeSet::all(), TypeSet::intersection),
            Node::And(parts) | Node::Or(parts) => self.fold_types(parts, negated, TypeSet::none(), TypeSet::union),
        }
    }

    fn fold_types(
        &self,
        parts: &[NodeId],
        negated: bool,
        start: TypeSet,
        joined: fn(TypeSet, TypeSet) -> TypeSet,
    ) -> TypeSet {
        parts.iter().fold(start, |types, part| joined(types, self.types_of(*part, negated)))
    }
}

impl Test {
    fn is_on(&self, id: FieldId) -> bool {
        self.lhs.as_field().is_some_and(|field| field.id == id)
    }

    /// The types for which the check is true, if its fields and constants alone decide that.
    fn own_types(&self) -> Option<TypeSet> {
        match self.lhs.as_field()?.id {
            FieldId::EvtType if self.op == Operator::Exists => Some(TypeSet::all()),
            FieldId::EvtType | FieldId::SyscallType => self.named_types(),
            FieldId::EvtNum => {
                self.constant_on_evt_num().map(|holds| if holds { TypeSet::all() } else { TypeSet::none() })
            }
            _ => None,
        }
    }

    fn named_types(&self) -> Option<TypeSet> {
        if let TypedRhs::Texts(texts) = &self.rhs {
            return Some(TypeSet::Only(texts.iter().cloned().collect()));
        }
        let TypedRhs::Values(constants) = &self.rhs else { return None };
        let texts: Option<Vec<&[u8]>> = constants.iter().map(text_of).collect();
        let texts = texts?;
        let distinct: Names = texts.iter().map(|text| Box::from(*text)).collect();
        let occurring = |wanted: usize| {
            let times = |name: &[u8]| texts.iter().filter(|text| **text == name).count();
            distinct.iter().filter(|name| times(name) == wanted).cloned().collect()
        };
        match (self.op, self.modifier) {
            (Operator::Eq, None | Some(Modifier::AnyOf)) => Some(TypeSet::Only(distinct)),
            (Operator::Ne, None | Some(Modifier::AllOf)) if !texts.is_empty() => Some(TypeSet::Except(distinct)),
            (Operator::Eq, Some(Modifier::AllOf)) => Some(TypeSet::Only(occurring(texts.len()))),
            (Operator::Eq, Some(Modifier::OneOf)) => Some(TypeSet::Only(occurring(1))),
            // Differs from exactly one: from a single name, or equal to all the names but one.
            (Operator::Ne, Some(Modifier::OneOf)) if texts.len() == 1 => Some(TypeSet::Except(distinct)),
            (Operator::Ne, Some(Modifier::OneOf)) if !texts.is_empty() => {
                Some(TypeSet::Only(occurring(texts.len() - 1)))
            }
            // Differs from some: fails only for the one name that all are.
            (Operator::Ne, Some(Modifier::AnyOf)) if distinct.len() == 1 => Some(TypeSet::Except(distinct)),
            (Operator::Ne, Some(Modifier::AnyOf)) if distinct.len() > 1 => Some(TypeSet::all()),
            (Operator::Ne, Some(_)) => Some(TypeSet::none()),
            _ => None,
        }
    }

    /// Whether a check on `evt.num`, which is at least 1, holds for all events or for none.
    fn constant_on_evt_num(&self) -> Option<bool> {
        if self.op == Operator::Exists {
            return Some(true);
        }
        let TypedRhs::Values(constants) = &self.rhs else { return None };
        let each: Option<Vec<bool>> = constants.iter().map(|constant| decided(self.op, constant)).collect();
        let each = each?;
        let held = each.iter().filter(|holds| **holds).count();
        Some(match self.modifier {
            None | Some(Modifier::AnyOf) => held > 0,
            Some(Modifier::AllOf) => !each.is_empty() && held == each.len(),
            Some(Modifier::OneOf) => held == 1,
        })
    }
}

fn text_of(constant: &Constant) -> Option<&[u8]> {
    match constant {
        Constant::Text(text) => Some(text),
        _ => None,
    }
}

fn decided(op: Operator, constant: &Constant) -> Option<bool> {
    const LEAST: i128 = 1;
    let Constant::Int(number) = constant else { return None };
    match op {
        Operator::Eq | Operator::In | Operator::Intersects if *number < LEAST => Some(false),
        Operator::Ne if *number < LEAST => Some(true),
        Operator::Lt if *number <= LEAST => Some(false),
        Operator::Le if *number < LEAST => Some(false),
        Operator::Gt if *number < LEAST => Some(true),
        Operator::Ge if *number <= LEAST => Some(true),
        _ => None,
    }
}

#[cfg(test)]
#[path = "event_types_tests.rs"]
mod tests;
