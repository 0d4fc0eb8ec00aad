//! Sets of paths for `pmatch`: does a path equal one of them or lie below one?
//!
//! Paths compare component by component, so `/var/run` holds `/var/run/docker` and not `/var/runner`. Empty
//! components do not count. A component of the set may be a shell pattern: `/proc/*/mem`. `/` holds every path.

use super::{Glob, PatternError};

/// A set of path prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSet {
    members: Vec<Box<[Component]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    Exact(Box<[u8]>),
    Glob(Glob),
}

impl Component {
    fn fits(&self, component: &[u8]) -> bool {
        match self {
            Self::Exact(wanted) => **wanted == *component,
            Self::Glob(glob) => glob.matches(component),
        }
    }
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|component| !component.is_empty())
}

impl PathSet {
    /// Adds a path.
    ///
    /// # Errors
    /// If the path is empty, or a component is no pattern.
    pub fn insert(&mut self, path: &[u8]) -> Result<(), PatternError> {
        if path.is_empty() {
            return Err(PatternError::EmptyPath);
        }
        let member: Result<Vec<Component>, PatternError> = components(path).map(component).collect();
        self.members.push(member?.into());
        Ok(())
    }

    /// Whether some path of the set is `path` or an ancestor of it.
    #[must_use]
    pub fn holds(&self, path: &[u8]) -> bool {
        self.members.iter().any(|member| {
            let mut parts = components(path);
            member.iter().all(|wanted| parts.next().is_some_and(|part| wanted.fits(part)))
        })
    }

    /// Number of paths.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none; such a set holds no path.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

fn component(text: &[u8]) -> Result<Component, PatternError> {
    let glob = Glob::new(text)?;
    Ok(match glob.as_literal() {
        Some(exact) => Component::Exact(exact.into()),
        None => Component::Glob(glob),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_by_component() {
        let cases: [(&[&str], &str, bool); 16] = [
            (&["/var/run"], "/var/run", true),
            (&["/var/run"], "/var/run/docker", true),
            (&["/var/run"], "/var/runner", false),
            (&["/var/run"], "/var", false),
            (&["/var/run/"], "/var//run/x", true),
            (&["/"], "/etc", true),
            (&["/"], "", true),
            (&["/proc/*/mem"], "/proc/12/mem", true),
            (&["/proc/*/mem"], "/proc/1/2/mem", false),
            (&["/a?c"], "/abc/x", true),
            (&["/[ab]"], "/b", true),
            (&["/[ab]"], "/c", false),
            (&["/a", "/b"], "/b/c", true),
            (&[], "/a", false),
            (&["a/b"], "/a/b", true),
            (&["/a\\*"], "/a*", true),
        ];
        for (members, path, expected) in cases {
            let mut set = PathSet::default();
            members.iter().for_each(|member| set.insert(member.as_bytes()).unwrap());
            assert_eq!(set.holds(path.as_bytes()), expected, "{members:?} {path}");
        }
        assert_eq!(PathSet::default().insert(b""), Err(PatternError::EmptyPath));
        assert_eq!(PathSet::default().insert(b"/a\\"), Err(PatternError::TrailingBackslash));
    }
}
