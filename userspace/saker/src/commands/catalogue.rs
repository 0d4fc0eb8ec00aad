//! `saker fields` and `saker syscalls`: what rules can name.

use crate::cli::flags::ListFlags;
use crate::outcome::Outcome;
use anyhow::Result;
use saker_driver_api::event::{EventInfo, EventType, Phase};
use saker_driver_api::fillers;
use saker_filter::{FieldFlags, FieldInfo, FieldRegistry};
use serde_json::json;
use std::io::{self, Write};

/// Prints every field, one a line, or one JSON object a line.
pub(crate) fn fields(flags: &ListFlags) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    for info in FieldRegistry::iter().filter(|info| flags.json || !info.flags.has(FieldFlags::UNLISTED)) {
        if flags.json {
            writeln!(out, "{}", field_json(info))?;
        } else {
            let kind = if info.is_list() { format!("list<{}>", info.ty) } else { info.ty.to_string() };
            let name = format!("{}{}", info.name, if info.arg.required { info.arg.forms() } else { String::new() });
            let deprecated = if info.is_deprecated() { " (deprecated)" } else { "" };
            writeln!(out, "{name:<36} {kind:<13} {}{deprecated}", info.description)?;
        }
    }
    Ok(Outcome::Fine)
}

fn field_json(info: &FieldInfo) -> serde_json::Value {
    json!({
        "name": info.name,
        "type": info.ty.name(),
        "list": info.is_list(),
        "argument": { "required": info.arg.required, "forms": info.arg.forms() },
        "changes": info.changes.name(),
        "deprecated": info.is_deprecated(),
        "filter_only": info.flags.has(FieldFlags::FILTER_ONLY),
        "print_only": info.flags.has(FieldFlags::PRINT_ONLY),
        "description": info.description,
    })
}

/// Prints every event with its parameters, then every call that has only the generic event.
pub(crate) fn syscalls(flags: &ListFlags) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    for event in EventType::ALL {
        let info = event.info();
        if info.phase == Phase::Enter {
            continue;
        }
        if flags.json {
            writeln!(out, "{}", event_json(info))?;
        } else {
            let params: Vec<_> = info.params.iter().map(|param| param.name).collect();
            writeln!(out, "{:<20} {:<10} {}", info.name, phase_name(info.phase), params.join(" "))?;
        }
    }
    for (_, name) in fillers::generic_only() {
        if flags.json {
            let row = json!({ "name": name, "event": "syscall", "phase": "generic", "params": ["ID", "nativeID"] });
            writeln!(out, "{row}")?;
        } else {
            writeln!(out, "{name:<20} {:<10} ID nativeID", "generic")?;
        }
    }
    Ok(Outcome::Fine)
}

fn event_json(info: &EventInfo) -> serde_json::Value {
    let params: Vec<_> = info
        .params
        .iter()
        .enumerate()
        .map(|(at, param)| json!({ "name": param.name, "type": format!("{:?}", param.ty).to_lowercase(), "shared": at < info.shared }))
        .collect();
    json!({
        "name": info.name,
        "number": info.event as u16,
        "phase": phase_name(info.phase),
        "class": format!("{:?}", info.class).to_lowercase(),
        "params": params,
        "description": info.summary.trim(),
    })
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Enter => "enter",
        Phase::Exit => "syscall",
        Phase::Tracepoint => "tracepoint",
        Phase::Snapshot => "snapshot",
        Phase::Meta => "meta",
    }
}
