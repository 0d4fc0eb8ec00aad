// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! A whole caller in memory: pages that are there, pages that come when faulted in, and facts.

use saker_driver_api::capture::emit;
use saker_driver_api::event::Class;
use saker_driver_api::fillers::Filler;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Call, Fact, FactSet, FactValue, Fault, ProbeContext, RecordSink, Written};
use saker_driver_api::record::{EventHeader, Origin, RawEvent};
use saker_driver_api::syscalls;
use std::collections::{BTreeMap, BTreeSet};

const PAGE: u64 = 4096;

#[derive(Clone, Debug)]
pub(crate) enum Known {
    Int(u64),
    Bytes(Vec<u8>, ParamStatus),
    Unreadable,
}

/// A caller and its call.
pub(crate) struct World {
    pub(crate) call: Call,
    pub(crate) memory: BTreeMap<u64, u8>,
    /// Pages that fault until they are faulted in.
    pub(crate) swapped: BTreeSet<u64>,
    pub(crate) facts: BTreeMap<u8, Known>,
    pub(crate) entry: BTreeMap<u8, Vec<u8>>,
    pub(crate) snaplen: usize,
    pub(crate) gathered: Vec<FactSet>,
    pub(crate) faults: usize,
}

impl World {
    pub(crate) fn new(origin: Origin, native_nr: u32, args: [u64; 6], ret: i64) -> Self {
        let nr = syscalls::decode(native_nr, origin);
        Self {
            call: Call { nr, native_nr, origin, args, ret },
            memory: BTreeMap::new(),
            swapped: BTreeSet::new(),
            facts: BTreeMap::new(),
            entry: BTreeMap::new(),
            snaplen: 80,
            gathered: Vec::new(),
            faults: 0,
        }
    }

    pub(crate) fn with(mut self, at: u64, bytes: &[u8]) -> Self {
        for (i, byte) in (0..).zip(bytes) {
            self.memory.insert(at + i, *byte);
        }
        self
    }

    pub(crate) fn words(self, at: u64, words: &[u64]) -> Self {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.with(at, &bytes)
    }

    pub(crate) fn halves(self, at: u64, halves: &[u32]) -> Self {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        self.with(at, &bytes)
    }

    pub(crate) fn swapped(mut self, at: u64) -> Self {
        self.swapped.insert(at / PAGE);
        self
    }

    pub(crate) fn int(mut self, fact: Fact, value: u64) -> Self {
        self.facts.insert(fact as u8, Known::Int(value));
        self
    }

    pub(crate) fn bytes(mut self, fact: Fact, value: &[u8]) -> Self {
        self.facts.insert(fact as u8, Known::Bytes(value.to_vec(), ParamStatus::OK));
        self
    }

    pub(crate) fn before(mut self, arg: u8, text: &[u8]) -> Self {
        self.entry.insert(arg, text.to_vec());
        self
    }

    fn byte(&self, at: u64) -> Option<u8> {
        if self.swapped.contains(&(at / PAGE)) {
            return None;
        }
        self.memory.get(&at).copied()
    }

    /// Captures the call with the filler of its number.
    pub(crate) fn capture(&mut self) -> Captured {
        let filler = saker_driver_api::fillers::filler_for(self.call.nr);
        self.capture_with(filler)
    }

    pub(crate) fn capture_with(&mut self, filler: &'static Filler) -> Captured {
        let mut sink = Sink::default();
        let written = emit(self, &mut sink, filler);
        assert_eq!(written, Written::Committed);
        let record = sink.record.expect("a committed record");
        Captured { filler, record, class: sink.class.expect("a class"), rounds: sink.rounds, bound: sink.bound }
    }
}

impl ProbeContext for World {
    fn header(&self) -> EventHeader {
        EventHeader { ts_ns: 5, tid: 11, pid: 10, cpu: 1, origin: self.call.origin as u8, ..EventHeader::default() }
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn snaplen_bytes(&self) -> usize {
        self.snaplen
    }

    fn gather(&mut self, wanted: FactSet) {
        self.gathered.push(wanted);
    }

    fn fact(&self, fact: Fact) -> FactValue<'_> {
        let asked = self.gathered.last().is_some_and(|set| set.has(fact));
        match self.facts.get(&(fact as u8)) {
            _ if !asked => FactValue::Absent,
            None => FactValue::Absent,
            Some(Known::Int(value)) => FactValue::Int(*value),
            Some(Known::Bytes(bytes, status)) => FactValue::Bytes(bytes, *status),
            Some(Known::Unreadable) => FactValue::Unreadable,
        }
    }

    fn at_entry(&self, index: u8) -> Option<&[u8]> {
        self.entry.get(&index).map(Vec::as_slice)
    }

    fn copy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        let len = into.len();
        for (i, byte) in (0..).zip(into.iter_mut()) {
            *byte = at.checked_add(i).and_then(|at| self.byte(at)).ok_or(Fault { at, len })?;
        }
        Ok(())
    }

    fn strncpy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<usize, Fault> {
        let len = into.len();
        for (i, byte) in (0..).zip(into.iter_mut()) {
            *byte = at.checked_add(i).and_then(|at| self.byte(at)).ok_or(Fault { at, len })?;
            if *byte == 0 {
                return Ok(usize::try_from(i).expect("an offset in a buffer"));
            }
        }
        Ok(len)
    }

    fn fault_in(&mut self, fault: Fault) -> bool {
        self.faults += 1;
        let last = fault.at.saturating_add(fault.len as u64) / PAGE;
        let before = self.swapped.len();
        self.swapped.retain(|page| *page < fault.at / PAGE || *page > last);
        self.swapped.len() < before
    }
}

/// A ring that holds one record and says what it was asked.
#[derive(Default)]
struct Sink {
    record: Option<Vec<u64>>,
    class: Option<Class>,
    rounds: usize,
    bound: usize,
}

impl RecordSink for Sink {
    fn write_record(
        &mut self,
        class: Class,
        _pid: u32,
        bound: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, Fault>,
    ) -> Written {
        use zerocopy::IntoBytes as _;
        self.rounds += 1;
        self.bound = bound;
        // Not zero, so that a byte that is not written shows.
        let mut span = vec![u64::from_le_bytes([0xaa; 8]); bound / 8];
        match write(span.as_mut_bytes()) {
            Err(fault) => Written::Faulted(fault),
            Ok(len) => {
                assert!(len % 8 == 0 && len <= bound && len > 0, "{len} of {bound}");
                span.truncate(len / 8);
                self.record = Some(span);
                self.class = Some(class);
                Written::Committed
            }
        }
    }
}

/// A record and how it came to be.
pub(crate) struct Captured {
    pub(crate) filler: &'static Filler,
    record: Vec<u64>,
    pub(crate) class: Class,
    pub(crate) rounds: usize,
    pub(crate) bound: usize,
}

impl Captured {
    pub(crate) fn event(&self) -> RawEvent<'_> {
        use zerocopy::IntoBytes as _;
        RawEvent::parse(self.record.as_bytes()).expect("a record that parses")
    }

    fn index(&self, name: &str) -> usize {
        let params = self.filler.event.info().params;
        params.iter().position(|param| param.name == name).unwrap_or_else(|| panic!("no parameter `{name}`"))
    }

    pub(crate) fn status(&self, name: &str) -> ParamStatus {
        self.event().param(self.index(name)).expect("a parameter").1
    }

    /// The bytes of a parameter that is present.
    pub(crate) fn value(&self, name: &str) -> Option<Vec<u8>> {
        self.event().value(self.index(name)).map(<[u8]>::to_vec)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.value(name).unwrap_or_else(|| panic!("`{name}` is absent"))).expect("UTF-8")
    }

    /// A number, sign-extended where its type has a sign.
    pub(crate) fn int(&self, name: &str) -> i64 {
        let bytes = self.value(name).unwrap_or_else(|| panic!("`{name}` is absent"));
        let ty = self.filler.event.info().params[self.index(name)].ty;
        assert_eq!(Some(bytes.len()), ty.width(), "width of `{name}`");
        let mut wide = if ty.is_signed() && bytes.last().is_some_and(|b| b & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
        wide[..bytes.len()].copy_from_slice(&bytes);
        i64::from_le_bytes(wide)
    }
}
