//! Paths as text: joining and normalising without looking at any file system.
//!
//! The result is the caller's *lexical* path: `..` goes up by text, links are not followed. What a path really led to
//! comes from the kernel with the record; see [`crate::FdInfo::name`].

/// Most bytes of a joined path; what is behind is cut.
pub const MAX_PATH_BYTES: usize = 8192;

/// Appends `path`, made absolute against `base` and below `root`, without `.`, `..` and doubled slashes.
///
/// An absolute `path` starts at `root`; a relative one at `base`, which already contains the root. `..` never goes above
/// the root. Returns whether anything was appended: an empty `path` means the base itself and needs one.
pub fn push_absolute(root: &[u8], base: &[u8], path: &[u8], out: &mut Vec<u8>) -> bool {
    let absolute = path.first() == Some(&b'/');
    if !absolute && base.first() != Some(&b'/') {
        return false;
    }
    let start = out.len();
    let root = root.strip_suffix(b"/").unwrap_or(root);
    let floor = if root.first() == Some(&b'/') { push_parts(root, start, start, out) } else { start };
    if !absolute {
        // A base that does not lie below the root has none: the task left it through a descriptor.
        let below = base.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'));
        let floor = if below { floor } else { start };
        out.truncate(start);
        push_parts(base, start, start, out);
        push_parts(path, floor.min(out.len()), start, out);
    } else {
        push_parts(path, floor, start, out);
    }
    if out.len() == start {
        out.push(b'/');
    }
    true
}

/// Appends the components of `path`; `..` removes one, down to `floor`. Returns the length of `out` after it.
fn push_parts(path: &[u8], floor: usize, start: usize, out: &mut Vec<u8>) -> usize {
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let cut = out.get(floor..).and_then(|tail| tail.iter().rposition(|b| *b == b'/'));
                out.truncate(cut.map_or(floor, |at| floor + at));
            }
            part if out.len() - start + part.len() < MAX_PATH_BYTES => {
                out.push(b'/');
                out.extend_from_slice(part);
            }
            _ => break,
        }
    }
    out.len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn join(root: &str, base: &str, path: &str) -> Option<String> {
        let mut out = Vec::new();
        push_absolute(root.as_bytes(), base.as_bytes(), path.as_bytes(), &mut out)
            .then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn paths_are_joined_by_text() {
        for (root, base, path, want) in [
            ("/", "/root", "a/b", Some("/root/a/b")),
            ("/", "/root", "/etc//./passwd", Some("/etc/passwd")),
            ("/", "/root/x", "../../../etc/shadow", Some("/etc/shadow")),
            ("/", "/root", "..", Some("/")),
            ("/", "/", "", Some("/")),
            ("/", "/usr/bin", "", Some("/usr/bin")),
            ("/", "", "a", None),
            ("", "/root", "a", Some("/root/a")),
            ("", "", "/a/../b", Some("/b")),
            ("/jail", "/jail/home", "x", Some("/jail/home/x")),
            ("/jail", "/jail/home", "/etc/shadow", Some("/jail/etc/shadow")),
            ("/jail", "/jail/home", "../../../etc", Some("/jail/etc")),
            ("/jail", "/jailbird", "../etc", Some("/etc")),
            ("/jail", "/jail", "/..", Some("/jail")),
        ] {
            assert_eq!(join(root, base, path).as_deref(), want, "{root} {base} {path}");
        }
    }

    proptest! {
        #[test]
        fn the_result_is_clean_and_below_the_root(base in "(/[a-c]{1,3}){0,4}", path in "[/a-c.]{0,12}") {
            if let Some(out) = join("/r", &format!("/r{base}"), &path) {
                prop_assert!(out == "/r" || out.starts_with("/r/"), "{}", out);
                prop_assert!(!out.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")), "{}", out);
            }
        }
    }
}
