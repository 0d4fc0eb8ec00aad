//! Replaces list names in a condition's text by their items, before parsing.
//!
//! The replacement is textual, as rule authors expect: a word is a list if blanks, `(`, `)`, `,`, `=` or the ends
//! stand on both sides of it, even inside quotes. Items are joined with `, `; an item with a blank gets quotes. An
//! empty list takes one neighbouring comma along, the left one if there is one: `(a, empty)` becomes `(a)`.
//! Items that name further lists are replaced too; a list inside itself stays a word.

use crate::error::{ConditionError, ErrorKind, SourceId, Span, quoted};
use crate::parser::Limits;

/// Lists inside lists, at most.
const MAX_LIST_DEPTH: usize = 64;
/// Items of one list with its inner lists, at most.
const MAX_ITEMS: usize = 1 << 20;

/// A condition with its lists expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text to parse.
    pub text: String,
    /// Where copied stretches begin: (offset here, offset in the original, length).
    copied: Vec<(usize, usize, usize)>,
}

impl Expanded {
    /// The byte offset in the original text for one in [`Expanded::text`]: inside an expanded list, that of its name.
    #[must_use]
    pub fn original_offset(&self, offset: usize) -> usize {
        let after = self.copied.partition_point(|(here, _, _)| *here <= offset);
        match after.checked_sub(1).and_then(|at| self.copied.get(at)) {
            Some((here, original, length)) => original + (offset - here).min(*length),
            None => 0,
        }
    }

    fn copy(&mut self, original: &str, from: usize, to: usize) {
        let piece = original.get(from..to).unwrap_or_default();
        self.copied.push((self.text.len(), from, piece.len()));
        self.text.push_str(piece);
    }
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'(' | b')' | b',' | b'=')
}

/// Replaces the names that `lookup` knows by the items of their lists.
///
/// # Errors
/// If the text grows past [`Limits::MAX_BYTES`], or lists name lists more than 64 deep.
pub fn expand_lists<'l>(text: &str, lookup: impl Fn(&str) -> Option<&'l [String]>) -> Result<Expanded, ConditionError> {
    let mut expanded = Expanded::default();
    // Everything before `copied` is in the output; words that are no lists are copied along with what is between.
    let (mut copied, mut at) = (0, 0);
    while at < text.len() {
        let word = word_at(text, at);
        if word.is_empty() {
            at += 1;
            continue;
        }
        let end = at + word.len();
        if let Some(items) = lookup(word) {
            let mut list = Flattening { lookup: &lookup, chain: vec![word.to_owned()], flat: Vec::new(), visits: 0 };
            list.add(items).map_err(|problem| too_large(text, at, word, problem))?;
            let flat = list.flat.join(", ");
            let (from, to) = if flat.is_empty() { swallow_comma(text, copied, at, end) } else { (at, end) };
            expanded.copy(text, copied, from);
            expanded.text.push_str(&flat);
            if expanded.text.len() > Limits::MAX_BYTES {
                return Err(too_large(text, at, word, "makes the condition too long"));
            }
            copied = to;
            at = to;
        } else {
            at = end;
        }
    }
    expanded.copy(text, copied, text.len());
    Ok(expanded)
}

fn word_at(text: &str, at: usize) -> &str {
    // Delimiters are ASCII, so a word starts and ends between characters.
    let rest = text.get(at..).unwrap_or_default();
    rest.get(..rest.bytes().take_while(|b| !is_delimiter(*b)).count()).unwrap_or_default()
}

/// The items of one list with the lists they name replaced.
struct Flattening<'l, L> {
    lookup: &'l L,
    /// Lists entered, outermost first.
    chain: Vec<String>,
    flat: Vec<String>,
    /// Items looked at: empty lists that double with each level would add none and still take forever.
    visits: usize,
}

impl<'i, L: Fn(&str) -> Option<&'i [String]>> Flattening<'_, L> {
    fn add(&mut self, items: &[String]) -> Result<(), &'static str> {
        for item in items {
            self.visits += 1;
            if self.visits > MAX_ITEMS {
                return Err("has too many items");
            }
            match (self.lookup)(item) {
                Some(_) if self.chain.len() >= MAX_LIST_DEPTH => return Err("lists name lists too deeply"),
                Some(inner) if !self.chain.contains(item) => {
                    self.chain.push(item.clone());
                    self.add(inner)?;
                    self.chain.pop();
                }
                _ => self.flat.push(written(item)),
            }
        }
        Ok(())
    }
}

/// An item as it goes into the text.
fn written(item: &str) -> String {
    let is_quoted = item.starts_with(['"', '\'']);
    if item.contains(char::is_whitespace) && !is_quoted { format!("\"{item}\"") } else { item.to_owned() }
}

/// Widens the hole an empty list leaves by the comma on its left, else by the one on its right.
fn swallow_comma(text: &str, copied: usize, from: usize, to: usize) -> (usize, usize) {
    let before = text.get(copied..from).unwrap_or_default().trim_end();
    let after = text.get(to..).unwrap_or_default();
    if before.ends_with(',') {
        return (copied + before.len() - 1, to);
    }
    let blanks = after.len() - after.trim_start().len();
    if after.trim_start().starts_with(',') { (from, to + blanks + 1) } else { (from, to) }
}

fn too_large(text: &str, at: usize, name: &str, problem: &str) -> ConditionError {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let span = Span {
        source: SourceId::default(),
        start: narrow(at),
        end: narrow(at + name.len()),
        line: narrow(before.matches('\n').count() + 1),
        column: narrow(before.get(line_start..).unwrap_or_default().chars().count() + 1),
    };
    let message = format!("list {}: {problem}", quoted(name));
    ConditionError::new(ErrorKind::TooLarge, span, message, "a list", "a smaller list")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn lists() -> HashMap<&'static str, Vec<String>> {
        let lists: [(&str, &[&str]); 9] = [
            ("shells", &["bash", "zsh"]),
            ("empty", &[]),
            ("blank", &["a b", "\"c d\"", "'e f'"]),
            ("outer", &["shells", "ksh"]),
            ("loop", &["x", "loop2"]),
            ("loop2", &["loop", "y"]),
            ("é", &["u"]),
            ("empties", &["empty"]),
            ("my-list", &["m"]),
        ];
        lists.into_iter().map(|(name, items)| (name, items.iter().map(|i| (*i).to_owned()).collect())).collect()
    }

    fn expand(text: &str) -> Expanded {
        let lists = lists();
        expand_lists(text, |name| lists.get(name).map(Vec::as_slice)).unwrap()
    }

    #[test]
    fn names_between_delimiters_are_replaced() {
        let cases = [
            ("proc.name in (shells)", "proc.name in (bash, zsh)"),
            ("proc.name in (a, shells,b)", "proc.name in (a, bash, zsh,b)"),
            ("proc.name in shells", "proc.name in bash, zsh"),
            ("x=shells", "x=bash, zsh"),
            ("shells", "bash, zsh"),
            ("a\tshells\nb", "a\tbash, zsh\nb"),
            ("(shells2)", "(shells2)"),
            ("(xshells)", "(xshells)"),
            ("shells.x", "shells.x"),
            ("\"shells\"", "\"shells\""),
            ("\"a shells b\"", "\"a bash, zsh b\""),
            ("(my-list)", "(m)"),
            ("(é)", "(u)"),
            ("(éa, ü)", "(éa, ü)"),
            ("(blank)", "(\"a b\", \"c d\", 'e f')"),
            ("(outer)", "(bash, zsh, ksh)"),
            ("(loop)", "(x, loop, y)"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text).text, expected, "{text}");
        }
    }

    #[test]
    fn an_empty_list_eats_one_comma() {
        let cases = [
            ("(empty)", "()"),
            ("( empty )", "(  )"),
            ("(a, empty)", "(a)"),
            ("(a , empty)", "(a )"),
            ("(empty, a)", "( a)"),
            ("(empty , a)", "( a)"),
            ("(a, empty, b)", "(a, b)"),
            ("(empty, empty)", "( )"),
            ("(shells, empty)", "(bash, zsh)"),
            ("(empty, empty, b)", "(  b)"),
            ("(empty,empty,a)", "(a)"),
            ("(a, empty, empty, b)", "(a, b)"),
            ("(a, empties)", "(a)"),
            ("x = empty", "x = "),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text).text, expected, "{text}");
        }
    }

    #[test]
    fn offsets_lead_back_to_the_original() {
        let expanded = expand("in (a, shells) and x");
        assert_eq!(expanded.text, "in (a, bash, zsh) and x");
        for (offset, original) in [(0, 0), (4, 4), (7, 7), (13, 13), (16, 13), (22, 19)] {
            let got = expanded.original_offset(offset);
            let within_list = (7..16).contains(&offset);
            assert_eq!(got, if within_list { 7 } else { original }, "{offset}");
        }
    }

    #[test]
    fn growth_is_bounded() {
        let many: Vec<String> = vec!["x".repeat(1000); 1000];
        let text = "l ".repeat(10);
        let error = expand_lists(&text, |name| (name == "l").then_some(many.as_slice())).unwrap_err();
        assert_eq!((error.kind(), error.offset(), error.column()), (ErrorKind::TooLarge, 8, 9));

        let names: Vec<String> = (0..100).map(|n| format!("l{n}")).collect();
        let lists: HashMap<&str, Vec<String>> = names
            .iter()
            .zip(names.iter().skip(1))
            .map(|(name, next)| (name.as_str(), vec![next.clone(), next.clone()]))
            .collect();
        let error = expand_lists("l0", |name| lists.get(name).map(Vec::as_slice)).unwrap_err();
        assert!(error.to_string().contains("lists name lists too deeply"), "{error}");

        // 2^50 empty lists: no item, no depth problem, only work.
        let lookup = |name: &str| lists.get(name).map(Vec::as_slice).filter(|_| name < "l5" || name.len() == 2);
        let empty: &[String] = &[];
        let lookup = |name: &str| if name == "l50" { Some(empty) } else { lookup(name) };
        let error = expand_lists("l10", lookup).unwrap_err();
        assert!(error.to_string().contains("too many items"), "{error}");
    }
}
