//! Puts the conditions of macros in the place of their names.

use crate::ast::{Expr, ExprKind, MAX_DEPTH};
use crate::error::{ConditionError, ErrorKind, quoted};

/// Most nodes a condition may have with its macros in place. Macros can double a tree with each step; this stops them.
pub const MAX_NODES: usize = 250_000;

impl Expr {
    /// The condition with every macro replaced, through all levels. `resolve` gives a macro's condition as parsed.
    ///
    /// # Errors
    /// If a macro is unknown or uses itself (the message names the chain that led there), or if the result is
    /// deeper than [`MAX_DEPTH`] or larger than [`MAX_NODES`].
    pub fn substitute<'m>(&self, resolve: &impl Fn(&str) -> Option<&'m Self>) -> Result<Self, ConditionError> {
        Substitution { resolve, chain: Vec::new(), nodes: 0 }.expr(self, 1)
    }
}

struct Substitution<'r, R> {
    resolve: &'r R,
    /// Macros entered, outermost first.
    chain: Vec<Box<str>>,
    nodes: usize,
}

impl<'m, R: Fn(&str) -> Option<&'m Expr>> Substitution<'_, R> {
    fn expr(&mut self, expr: &Expr, depth: usize) -> Result<Expr, ConditionError> {
        if depth > MAX_DEPTH {
            return Err(self.error(
                expr,
                ErrorKind::TooDeep,
                format!("macros nest conditions more than {MAX_DEPTH} levels deep"),
            ));
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.error(
                expr,
                ErrorKind::TooLarge,
                format!("macros expand to more than {MAX_NODES} checks"),
            ));
        }
        let kind = match &expr.kind {
            ExprKind::And(parts) => ExprKind::And(self.parts(parts, depth + 1)?),
            ExprKind::Or(parts) => ExprKind::Or(self.parts(parts, depth + 1)?),
            ExprKind::Not(inner) => ExprKind::Not(Box::new(self.expr(inner, depth + 1)?)),
            ExprKind::Macro(name) => return self.enter(expr, name, depth),
            ExprKind::Unary(check) => ExprKind::Unary(check.clone()),
            ExprKind::Binary(check) => ExprKind::Binary(check.clone()),
        };
        Ok(Expr::new(kind, expr.span))
    }

    fn parts(&mut self, parts: &[Expr], depth: usize) -> Result<Vec<Expr>, ConditionError> {
        parts.iter().map(|part| self.expr(part, depth)).collect()
    }

    fn enter(&mut self, at: &Expr, name: &str, depth: usize) -> Result<Expr, ConditionError> {
        if let Some(first) = self.chain.iter().position(|entered| &**entered == name) {
            let circle = self.path(first, name);
            return Err(self.error(at, ErrorKind::MacroLoop, format!("macro loop: {circle}")));
        }
        let Some(body) = (self.resolve)(name) else {
            let mut message = format!("undefined macro {}", quoted(name));
            if !self.chain.is_empty() {
                message.push_str(&format!(", used through {}", self.path(0, name)));
            }
            return Err(self.error(at, ErrorKind::UnknownMacro, message));
        };
        self.chain.push(name.into());
        // A macro that is only a macro's name adds no node, but must count as a level to bound this recursion.
        let expanded = self.expr(body, depth + 1)?;
        self.chain.pop();
        Ok(expanded)
    }

    fn path(&self, first: usize, last: &str) -> String {
        let names = self.chain.iter().skip(first).map(|name| &**name).chain([last]);
        names.map(quoted).collect::<Vec<_>>().join(" -> ")
    }

    fn error(&self, at: &Expr, kind: ErrorKind, message: String) -> ConditionError {
        let found = match &at.kind {
            ExprKind::Macro(name) => quoted(name),
            _ => "a condition".to_owned(),
        };
        let expected = match kind {
            ErrorKind::UnknownMacro => "the name of a macro defined before its use",
            ErrorKind::MacroLoop => "a macro that does not lead back to itself",
            _ => "fewer or flatter macros",
        };
        ConditionError::new(kind, at.span, message, &found, expected)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::SourceId;
    use crate::parser::{Limits, parse, parse_from};
    use std::collections::HashMap;

    fn macros(texts: &[(&'static str, String)]) -> HashMap<&'static str, Expr> {
        let source = |at: usize| SourceId(u32::try_from(at + 1).unwrap());
        let parsed = |at, text: &str| parse_from(text, source(at), &Limits::for_rules()).unwrap();
        texts.iter().enumerate().map(|(at, (name, text))| (*name, parsed(at, text))).collect()
    }

    fn substitute(text: &str, texts: &[(&'static str, String)]) -> Result<Expr, ConditionError> {
        let macros = macros(texts);
        parse(text, &Limits::for_rules()).unwrap().substitute(&|name| macros.get(name))
    }

    #[test]
    fn names_become_conditions_at_any_level() {
        let texts = [("a", "evt.num=1 or b".to_owned()), ("b", "not c".to_owned()), ("c", "evt.num=3".to_owned())];
        let expr = substitute("a and not (b or fd.num=4)", &texts).unwrap();
        let expected = "(evt.num = 1 or not evt.num = 3) and not (not evt.num = 3 or fd.num = 4)";
        assert_eq!(expr.to_string(), expected);
    }

    #[test]
    fn unknown_names_and_loops_name_the_chain() {
        let texts = [
            ("a", "b".to_owned()),
            ("b", "evt.num=1 and c".to_owned()),
            ("l", "m or evt.num=1".to_owned()),
            ("m", "l".to_owned()),
        ];
        let error = substitute("x", &texts).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::UnknownMacro, "undefined macro `x`"));
        let error = substitute("evt.num=1 or a", &texts).unwrap_err();
        assert_eq!(error.to_string(), "undefined macro `c`, used through `a` -> `b` -> `c`");
        assert_eq!((error.source_id(), error.offset()), (SourceId(2), 14), "the place is in the macro's own text");
        let error = substitute("l", &texts).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::MacroLoop, "macro loop: `l` -> `m` -> `l`"));
    }

    #[test]
    fn growth_is_bounded() {
        let names: Vec<&'static str> = (0..40).map(|n| &*Box::leak(format!("m{n}").into_boxed_str())).collect();
        let doubled: Vec<_> =
            names.iter().zip(names.iter().skip(1)).map(|(name, next)| (*name, format!("{next} or {next}"))).collect();
        let mut texts = doubled.clone();
        texts.push(("m39", "evt.num=1".to_owned()));
        assert_eq!(substitute("m0", &texts).unwrap_err().kind(), ErrorKind::TooLarge);

        let deep = |next: &str| format!("{}{next}{}", "not (evt.num=1 or ".repeat(400), ")".repeat(400));
        let texts = [("a", deep("b")), ("b", deep("c")), ("c", deep("evt.num=1"))];
        assert_eq!(substitute("a", &texts).unwrap_err().kind(), ErrorKind::TooDeep);
    }
}
