//! Fields and transformers: names to ids, arguments to types.

use crate::ast::{Arg, Call, FieldExpr, Function, Literal, Operand};
use crate::compile::{Compiler, Warning, WarningKind, constant};
use crate::error::{ConditionError, ErrorKind, Span, quoted};
use crate::fields::{FieldArg, FieldError, FieldFlags, FieldRef, FieldType};
use crate::typed::{TypedArg, TypedCall, TypedOperand};

/// Where an operand stands, which decides what fields may be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Argument,
}

/// An operand and its type.
pub(super) struct Typed {
    pub(super) operand: TypedOperand,
    pub(super) ty: FieldType,
    pub(super) is_list: bool,
}

impl Typed {
    /// Its name for messages, in backticks.
    pub(super) fn name(&self) -> String {
        match &self.operand {
            TypedOperand::Field(field) => format!("`{field}`"),
            TypedOperand::Call(call) => format!("`{}(...)`", call.function),
        }
    }

    pub(super) fn type_name(&self) -> String {
        if self.is_list { format!("list of {}", self.ty) } else { self.ty.to_string() }
    }

    /// Whether it may give several candidates (all ancestors).
    fn is_many(&self) -> bool {
        let many = |field: &FieldRef| field.arg == FieldArg::None && field.id.info().flags.has(FieldFlags::ANCESTORS);
        match &self.operand {
            TypedOperand::Field(field) => many(field),
            // Only one-argument transformers let several candidates through.
            TypedOperand::Call(call) => {
                matches!(&*call.args, [TypedArg::Operand(TypedOperand::Field(field))] if many(field))
            }
        }
    }
}

impl Compiler<'_> {
    pub(super) fn operand(&mut self, operand: &Operand, side: Side) -> Result<Typed, ConditionError> {
        match operand {
            Operand::Field(field) => self.field(field, side),
            Operand::Call(call) => self.call(call),
        }
    }

    pub(super) fn field(&mut self, field: &FieldExpr, side: Side) -> Result<Typed, ConditionError> {
        let parsed = FieldRef::parse_exact(&field.text).map_err(|error| field_error(field, &error))?;
        let info = parsed.id.info();
        let refused = |problem: &str, expected: &str| {
            let message = format!("`{}` {problem}", info.name);
            ConditionError::new(ErrorKind::FieldUse, field.span, message, &quoted(&field.text), expected)
        };
        if info.flags.has(FieldFlags::PRINT_ONLY) {
            return Err(refused("can only be printed, not compared", "a field for conditions"));
        }
        if side == Side::Right && info.flags.has(FieldFlags::NO_RHS) {
            return Err(refused("cannot stand on the right", "a field that may stand on the right"));
        }
        if side == Side::Argument && info.flags.has(FieldFlags::NO_TRANSFORMER) {
            return Err(refused("cannot be transformed", "a field that takes transformers"));
        }
        if info.is_deprecated() {
            let message = format!("`{}` is deprecated", info.name);
            self.warnings.push(Warning { kind: WarningKind::DeprecatedField, span: field.span, message });
        }
        Ok(Typed { operand: TypedOperand::Field(parsed), ty: info.ty, is_list: info.is_list() })
    }

    pub(super) fn call(&mut self, call: &Call) -> Result<Typed, ConditionError> {
        let option = option_letter(call)?;
        let (args, ty, is_list) = match (call.function, call.args.as_slice()) {
            (Function::ToLower | Function::ToUpper | Function::Basename, [arg]) => {
                let (arg, ty) = self.scalar(call, arg, &[FieldType::Text])?;
                (vec![arg], ty, false)
            }
            (Function::B64, [arg]) => {
                let (arg, ty) = self.scalar(call, arg, &[FieldType::Text, FieldType::Bytes])?;
                (vec![arg], ty, false)
            }
            (Function::Len, [arg]) => (vec![self.measurable(call, arg)?], FieldType::Uint64, false),
            (Function::Join, [separator, list]) => {
                (vec![self.single_text(call, separator)?, self.text_list(call, list)?], FieldType::Text, false)
            }
            (Function::Concat, args @ [_, _, ..]) => {
                let args: Result<Vec<TypedArg>, ConditionError> =
                    args.iter().map(|arg| self.single_text(call, arg)).collect();
                (args?, FieldType::Text, false)
            }
            (Function::GetOpt, [list, letters]) => {
                (vec![self.text_list(call, list)?, self.single_text(call, letters)?], FieldType::Text, option.is_none())
            }
            (function, args) => return Err(wrong_count(call.span, function, args.len())),
        };
        let typed = TypedCall { function: call.function, args: args.into(), option };
        Ok(Typed { operand: TypedOperand::Call(Box::new(typed)), ty, is_list })
    }

    /// An argument that is one value of one of `types`.
    fn scalar(&mut self, call: &Call, arg: &Arg, types: &[FieldType]) -> Result<(TypedArg, FieldType), ConditionError> {
        match arg {
            Arg::Literal(literal) => Ok((literal_arg(literal)?, FieldType::Text)),
            Arg::List(_) => Err(wrong_argument(call, "a list", types)),
            Arg::Operand(operand) => {
                let typed = self.operand(operand, Side::Argument)?;
                if typed.is_list || !types.contains(&typed.ty) {
                    let found = format!("{}, {}", typed.name(), typed.type_name());
                    return Err(wrong_argument(call, &found, types));
                }
                Ok((TypedArg::Operand(typed.operand), typed.ty))
            }
        }
    }

    /// An argument that is one text, not one of several candidates.
    fn single_text(&mut self, call: &Call, arg: &Arg) -> Result<TypedArg, ConditionError> {
        if let Arg::Operand(operand) = arg {
            let typed = self.operand(operand, Side::Argument)?;
            if typed.is_many() {
                let found = format!("{} of every ancestor", typed.name());
                return Err(wrong_argument(call, &found, &[FieldType::Text]));
            }
            if typed.is_list || typed.ty != FieldType::Text {
                let found = format!("{}, {}", typed.name(), typed.type_name());
                return Err(wrong_argument(call, &found, &[FieldType::Text]));
            }
            return Ok(TypedArg::Operand(typed.operand));
        }
        self.scalar(call, arg, &[FieldType::Text]).map(|(arg, _)| arg)
    }

    fn measurable(&mut self, call: &Call, arg: &Arg) -> Result<TypedArg, ConditionError> {
        let types = [FieldType::Text, FieldType::Bytes];
        match arg {
            Arg::Literal(literal) => literal_arg(literal),
            Arg::List(_) => self.text_list(call, arg),
            Arg::Operand(operand) => {
                let typed = self.operand(operand, Side::Argument)?;
                if !typed.is_list && !types.contains(&typed.ty) {
                    let found = format!("{}, {}", typed.name(), typed.type_name());
                    return Err(wrong_argument(call, &found, &types));
                }
                Ok(TypedArg::Operand(typed.operand))
            }
        }
    }

    fn text_list(&mut self, call: &Call, arg: &Arg) -> Result<TypedArg, ConditionError> {
        let wrong = |found: &str| {
            let message = format!("`{}` needs a list here, not {found}", call.function);
            ConditionError::new(ErrorKind::Value, call.span, message, found, "a list")
        };
        match arg {
            Arg::List(items) => {
                let items: Result<Vec<TypedArg>, ConditionError> =
                    items.iter().map(|item| self.single_text(call, item)).collect();
                Ok(TypedArg::List(items?.into()))
            }
            Arg::Literal(_) => Err(wrong("a constant")),
            Arg::Operand(operand) => {
                let typed = self.operand(operand, Side::Argument)?;
                if !typed.is_list || typed.ty != FieldType::Text {
                    return Err(wrong(&format!("{}, {}", typed.name(), typed.type_name())));
                }
                Ok(TypedArg::Operand(typed.operand))
            }
        }
    }
}

fn literal_arg(literal: &Literal) -> Result<TypedArg, ConditionError> {
    constant::check_bytes(literal)?;
    Ok(TypedArg::Text(literal.bytes.clone()))
}

fn option_letter(call: &Call) -> Result<Option<u8>, ConditionError> {
    let Some(option) = &call.option else { return Ok(None) };
    if call.function != Function::GetOpt {
        let message = format!("`{}` takes nothing in square brackets", call.function);
        return Err(ConditionError::new(ErrorKind::Value, option.span, message, "`[`", "an operator"));
    }
    match &*option.bytes {
        [letter] if letter.is_ascii_alphanumeric() || *letter == b'?' => Ok(Some(*letter)),
        _ => Err(constant::refused(option, "not one option letter", "one letter or digit")),
    }
}

fn wrong_count(span: Span, function: Function, found: usize) -> ConditionError {
    let expected = match function {
        Function::Concat => "two or more arguments",
        Function::Join => "two arguments: a separator and a list",
        Function::GetOpt => "two arguments: a list and the option letters",
        Function::ToLower | Function::ToUpper | Function::B64 | Function::Basename | Function::Len => "one argument",
    };
    let message = format!("`{function}` takes {expected}, not {found}");
    ConditionError::new(ErrorKind::Value, span, message, &format!("{found} arguments"), expected)
}

fn wrong_argument(call: &Call, found: &str, types: &[FieldType]) -> ConditionError {
    let expected = types.iter().map(|ty| format!("a {ty}")).collect::<Vec<_>>().join(" or ");
    let message = format!("`{}` needs {expected}, not {found}", call.function);
    ConditionError::new(ErrorKind::Value, call.span, message, found, &expected)
}

fn field_error(field: &FieldExpr, error: &FieldError) -> ConditionError {
    let (kind, expected) = match error {
        FieldError::Unknown { suggestions, .. } => {
            let near = suggestions.first().map_or_else(|| "a known field".to_owned(), |name| format!("`{name}`"));
            (ErrorKind::UnknownField, near)
        }
        FieldError::MissingArgument { forms, .. } | FieldError::UnexpectedArgument { forms, .. }
            if !forms.is_empty() =>
        {
            (ErrorKind::FieldArgument, forms.clone())
        }
        FieldError::MissingArgument { .. } | FieldError::UnexpectedArgument { .. } => {
            (ErrorKind::FieldArgument, "no argument".to_owned())
        }
        FieldError::BadArgument { .. } => (ErrorKind::FieldArgument, "an argument in square brackets".to_owned()),
    };
    ConditionError::new(kind, field.span, error.to_string(), &quoted(&field.text), &expected)
}
