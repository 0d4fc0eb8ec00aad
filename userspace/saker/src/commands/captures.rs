//! `saker capture`: what is in a capture, and a smaller copy of it.

use crate::commands::replay::read_error;
use crate::outcome::Outcome;
use anyhow::Result;
use saker_capture::{Compress, Damage, Depth, Info, Options, info as look_at, pack as pack_capture};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;

/// Level of a pack, which nobody waits for.
const ZSTD_LEVEL: i32 = 9;

/// Says what is in a capture.
pub(crate) fn info(path: &Path, json: bool) -> Result<Outcome> {
    let info = look_at(path, Depth::Everything).map_err(read_error)?;
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", info_json(&info))?;
    } else {
        print_info(&mut out, path, &info)?;
    }
    Ok(if info.damage.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

fn print_info(out: &mut impl std::io::Write, path: &Path, info: &Info) -> Result<()> {
    writeln!(out, "{}", path.display())?;
    writeln!(
        out,
        "  format        {}.{}, events {}.{}",
        info.format.major, info.format.minor, info.schema.major, info.schema.minor
    )?;
    writeln!(
        out,
        "  size          {} bytes; records {} bytes, stored in {}",
        info.file_bytes, info.raw_bytes, info.stored_bytes
    )?;
    writeln!(out, "  records       {} in {} sections, {} checkpoints", info.records, info.sections, info.checkpoints)?;
    if let (Some(first), Some(last)) = (info.first_ns, info.last_ns) {
        let ms = last.saturating_sub(first) / 1_000_000;
        writeln!(out, "  time          {}.{:03} s", ms / 1000, ms % 1000)?;
    }
    writeln!(out, "  finished      {}", if info.finished { "yes" } else { "no" })?;
    for damage in &info.damage {
        writeln!(out, "  damage        {damage}")?;
    }
    Ok(())
}

fn info_json(info: &Info) -> Value {
    json!({
        "format": format!("{}.{}", info.format.major, info.format.minor),
        "schema": format!("{}.{}", info.schema.major, info.schema.minor),
        "bytes": info.file_bytes,
        "raw_bytes": info.raw_bytes,
        "stored_bytes": info.stored_bytes,
        "records": info.records,
        "sections": info.sections,
        "checkpoints": info.checkpoints,
        "first_ns": info.first_ns,
        "last_ns": info.last_ns,
        "finished": info.finished,
        "damage": damage_json(&info.damage),
    })
}

fn damage_json(damage: &[Damage]) -> Vec<Value> {
    damage
        .iter()
        .map(|damage| {
            json!({
                "offset": damage.offset, "bytes_lost": damage.bytes_lost, "records": damage.records,
                "reason": damage.reason.to_string(),
            })
        })
        .collect()
}

/// Writes a compressed copy.
pub(crate) fn pack(input: &Path, output: &Path, json: bool) -> Result<Outcome> {
    let packed = pack_capture(input, output, Options { compress: Compress::Zstd(ZSTD_LEVEL), ..Options::default() })?;
    let before = std::fs::metadata(input).map_or(0, |meta| meta.len());
    let mut out = std::io::stdout().lock();
    if json {
        let damage = damage_json(&packed.damage);
        let row = json!({
            "bytes_before": before, "bytes": packed.summary.file_bytes, "records": packed.summary.records, "damage": damage,
        });
        writeln!(out, "{row}")?;
    } else {
        writeln!(out, "{} records, {before} bytes before, {} now", packed.summary.records, packed.summary.file_bytes)?;
    }
    for damage in &packed.damage {
        eprintln!("saker: {}: {damage}", input.display());
    }
    Ok(if packed.damage.is_empty() { Outcome::Fine } else { Outcome::Findings })
}
