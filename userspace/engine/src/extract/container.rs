//! `container.*` and `k8s.*` outside containers: every process counts as one of the host.

use saker_filter::{Extracted, Value};

use super::text;

/// Id, name and type of what is no container.
pub(super) const HOST: &[u8] = b"host";

/// Facts that only containers have are empty on the host, as the reference has them.
pub(super) fn host_text<'a>() -> Extracted<'a> {
    text(Some(b""))
}

pub(super) fn host_flag<'a>() -> Extracted<'a> {
    Extracted::One(Value::Bool(false))
}
