#![allow(clippy::unwrap_used)]

use super::*;
use crate::compile::EventNames;
use crate::parser::{Limits, parse};

struct AnyName;

impl EventNames for AnyName {
    fn is_known(&self, _: &str) -> bool {
        true
    }
}

fn types(text: &str) -> TypeSet {
    Filter::compile(&parse(text, &Limits::for_rules()).unwrap(), &AnyName).unwrap().event_types()
}

fn names(list: &str) -> Names {
    list.split_whitespace().map(|name| Box::from(name.as_bytes())).collect()
}

fn only(list: &str) -> TypeSet {
    TypeSet::Only(names(list))
}

fn except(list: &str) -> TypeSet {
    TypeSet::Except(names(list))
}

#[test]
fn conditions_give_their_types() {
    let cases = [
        ("evt.type = open", only("open")),
        ("evt.type == open", only("open")),
        ("evt.type != open", except("open")),
        ("evt.type in (open, close)", only("open close")),
        ("evt.type intersects (open, close)", only("open close")),
        ("evt.type in ()", TypeSet::none()),
        ("syscall.type = open", only("open")),
        ("evt.type exists", TypeSet::all()),
        ("syscall.type exists", TypeSet::all()),
        ("not syscall.type exists", TypeSet::all()),
        ("proc.name = cat", TypeSet::all()),
        ("not proc.name = cat", TypeSet::all()),
        ("not evt.type = open", except("open")),
        ("not evt.type != open", only("open")),
        ("not syscall.type = open", except("open")),
        ("not syscall.type != open", TypeSet::all()),
        ("not evt.type in (open, close)", except("open close")),
        ("evt.type = open and proc.name = cat", only("open")),
        ("evt.type = open or proc.name = cat", TypeSet::all()),
        ("evt.type = open or evt.type = close", only("open close")),
        ("evt.type = open and evt.type = close", TypeSet::none()),
        ("evt.type in (open, close) and not evt.type = close", only("open")),
        ("not (evt.type = open and proc.name = cat)", TypeSet::all()),
        ("not (evt.type = open or proc.name = cat)", except("open")),
        ("not (evt.type = open or evt.type = close)", except("open close")),
        ("evt.type != open or evt.type = open", TypeSet::all()),
        ("evt.type != open or evt.type != close", TypeSet::all()),
        ("evt.type != open and evt.type != close", except("open close")),
        ("evt.type startswith op", TypeSet::all()),
        ("evt.type = val(syscall.type)", TypeSet::all()),
        ("evt.type = anyof (open, close)", only("open close")),
        ("evt.type = oneof (open, close)", only("open close")),
        ("evt.type = oneof (open, open, close)", only("close")),
        ("evt.type = allof (open, open)", only("open")),
        ("evt.type = allof (open, close)", TypeSet::none()),
        ("evt.type = allof ()", TypeSet::none()),
        ("evt.type != allof (open, close)", except("open close")),
        ("evt.type != allof ()", TypeSet::none()),
        ("evt.type != anyof (open, close)", TypeSet::all()),
        ("evt.type != anyof (open, open)", except("open")),
        ("evt.type != anyof ()", TypeSet::none()),
        ("evt.type != oneof (open)", except("open")),
        ("evt.type != oneof (open, close)", only("open close")),
        ("evt.type != oneof (open, open, close)", only("open")),
        ("evt.num = 0", TypeSet::none()),
        ("evt.num > 0", TypeSet::all()),
        ("evt.num >= 1", TypeSet::all()),
        ("evt.num < 1", TypeSet::none()),
        ("evt.num <= 0", TypeSet::none()),
        ("evt.num != 0", TypeSet::all()),
        ("evt.num = 5", TypeSet::all()),
        ("not evt.num = 5", TypeSet::all()),
        ("evt.num in (0)", TypeSet::none()),
        ("evt.num in (0, 1)", TypeSet::all()),
        ("evt.num != allof (0, 0)", TypeSet::all()),
        ("not evt.num = 0", TypeSet::all()),
        ("not evt.num > 0", TypeSet::none()),
        ("evt.type = open and evt.num = 0", TypeSet::none()),
        ("evt.type = open or evt.num = 0", only("open")),
    ];
    for (text, expected) in cases {
        assert_eq!(types(text), expected, "{text}");
    }
}

#[test]
fn sets_follow_set_algebra() {
    let sets = [TypeSet::all(), TypeSet::none(), only("a"), only("a b"), except("a"), except("b c")];
    for a in &sets {
        for b in &sets {
            let (both, either) = (a.clone().intersection(b.clone()), a.clone().union(b.clone()));
            for name in ["a", "b", "c", "d"] {
                assert_eq!(both.contains(name), a.contains(name) && b.contains(name), "{a:?} {b:?} {name}");
                assert_eq!(either.contains(name), a.contains(name) || b.contains(name), "{a:?} {b:?} {name}");
                assert_ne!(a.contains(name), a.clone().complement().contains(name));
            }
        }
    }
    assert!(TypeSet::all().is_all() && !except("a").is_all() && TypeSet::none().is_none() && !only("a").is_none());
}
