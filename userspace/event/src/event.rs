//! A record whose kind is known, and its parameters by type.

use crate::address::{SockAddr, SockTuple};
use saker_driver_api::event::{Effect, EventInfo, EventType, Phase};
use saker_driver_api::param::{ParamInfo, ParamStatus, ParamType};
use saker_driver_api::record::{Origin, RawEvent, RecordFlags};

/// What a record turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// An event of the table.
    Event(Event<'a>),
    /// A number this version does not know: to be counted and skipped.
    Unknown(u16),
}

impl<'a> Decoded<'a> {
    /// Returns the event, or `None` for an unknown number.
    #[must_use]
    pub fn event(self) -> Option<Event<'a>> {
        match self {
            Self::Event(event) => Some(event),
            Self::Unknown(_) => None,
        }
    }
}

/// An event, borrowed from its record.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    raw: RawEvent<'a>,
    kind: EventType,
}

impl<'a> Event<'a> {
    /// Looks the record's number up.
    #[must_use]
    pub fn decode(raw: RawEvent<'a>) -> Decoded<'a> {
        let number = raw.header().kind;
        match EventType::from_wire(number) {
            Some(kind) => Decoded::Event(Self { raw, kind }),
            None => Decoded::Unknown(number),
        }
    }

    /// Returns which event it is.
    #[must_use]
    pub fn kind(&self) -> EventType {
        self.kind
    }

    /// Returns the event's row of the table.
    #[must_use]
    pub fn info(&self) -> &'static EventInfo {
        self.kind.info()
    }

    /// Returns the record.
    #[must_use]
    pub fn raw(&self) -> RawEvent<'a> {
        self.raw
    }

    /// Returns the boot-clock time in nanoseconds.
    #[must_use]
    pub fn ts_ns(&self) -> u64 {
        self.raw.header().ts_ns
    }

    /// Returns the thread, as the initial PID namespace numbers it.
    #[must_use]
    pub fn tid(&self) -> u32 {
        self.raw.header().tid
    }

    /// Returns the process, or 0 where the source did not say (old captures).
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.raw.header().pid
    }

    /// Returns the CPU that wrote the record.
    #[must_use]
    pub fn cpu(&self) -> u16 {
        self.raw.header().cpu
    }

    /// Returns where the event comes from; unknown numbers count as made by Saker.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::from_wire(self.raw.header().origin).unwrap_or(Origin::Synthetic)
    }

    /// Returns whether the call failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.raw.header().flags & RecordFlags::FAILED != 0
    }

    /// Returns whether the record is for the tables only, by its kind or by its flag.
    #[must_use]
    pub fn is_state_only(&self) -> bool {
        self.kind.is_meta() || self.raw.header().flags & RecordFlags::STATE_ONLY != 0
    }

    /// Returns the name that `evt.type` shows: of the call itself where the event stands for any call.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.kind {
            EventType::GenericExit => self.uint(0).and_then(crate::render::syscall_name).unwrap_or(self.info().name),
            _ => self.info().name,
        }
    }

    /// Returns the column of parameter `index`.
    #[must_use]
    pub fn param_info(&self, index: usize) -> Option<&'static ParamInfo> {
        self.info().params.get(index)
    }

    /// Returns the position of the parameter with this name.
    #[must_use]
    pub fn param_by_name(&self, name: &str) -> Option<usize> {
        self.info().params.iter().position(|param| param.name == name)
    }

    /// Returns the state of parameter `index`; one that the record does not have is absent.
    #[must_use]
    pub fn status(&self, index: usize) -> ParamStatus {
        self.raw.param(index).map_or(ParamStatus::ABSENT, |(_, status)| status)
    }

    /// Returns the bytes of parameter `index` if there is a value.
    #[must_use]
    pub fn bytes(&self, index: usize) -> Option<&'a [u8]> {
        self.raw.value(index)
    }

    /// Returns the text of parameter `index`, without a NUL that may end it.
    #[must_use]
    pub fn text(&self, index: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes(index)?;
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
        bytes.get(..end)
    }

    /// Returns the integer in parameter `index`, sign-extended if its type is signed.
    #[must_use]
    pub fn int(&self, index: usize) -> Option<i64> {
        let bytes = self.bytes(index)?;
        let signed = self.param_info(index).is_some_and(|info| info.ty.is_signed());
        Some(match *bytes {
            [b] => {
                if signed {
                    i64::from(i8::from_le_bytes([b]))
                } else {
                    i64::from(b)
                }
            }
            [a, b] => {
                let raw = [a, b];
                if signed { i64::from(i16::from_le_bytes(raw)) } else { i64::from(u16::from_le_bytes(raw)) }
            }
            [a, b, c, d] => {
                let raw = [a, b, c, d];
                if signed { i64::from(i32::from_le_bytes(raw)) } else { i64::from(u32::from_le_bytes(raw)) }
            }
            _ => i64::from_le_bytes(<[u8; 8]>::try_from(bytes).ok()?),
        })
    }

    /// Returns the integer in parameter `index` as the bits say, without a sign.
    #[must_use]
    pub fn uint(&self, index: usize) -> Option<u64> {
        let bytes = self.bytes(index)?;
        if !matches!(bytes.len(), 1 | 2 | 4 | 8) {
            return None;
        }
        let mut wide = [0; 8];
        wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(wide))
    }

    /// Returns the low 32 bits of the integer in parameter `index`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
    pub fn u32(&self, index: usize) -> Option<u32> {
        self.uint(index).map(|value| value as u32)
    }

    /// Returns the NUL-terminated items of parameter `index` (arguments, environment, cgroups).
    #[must_use]
    pub fn items(&self, index: usize) -> Option<Items<'a>> {
        self.bytes(index).map(Items::new)
    }

    /// Returns the socket address in parameter `index`.
    #[must_use]
    pub fn sockaddr(&self, index: usize) -> Option<SockAddr<'a>> {
        SockAddr::decode(self.bytes(index)?)
    }

    /// Returns the socket tuple in parameter `index`.
    #[must_use]
    pub fn tuple(&self, index: usize) -> Option<SockTuple<'a>> {
        SockTuple::decode(self.bytes(index)?)
    }

    /// Returns the result of the call: a value or a negative errno.
    #[must_use]
    pub fn res(&self) -> Option<i64> {
        self.int(position(roles(self.kind).result)?)
    }

    /// Returns the descriptor the event works on: the one it made, else the first it was given.
    #[must_use]
    pub fn fd(&self) -> Option<i64> {
        let roles = roles(self.kind);
        let failed = roles.fd != roles.fd_failed && self.res().is_some_and(|res| res < 0);
        self.int(position(if failed { roles.fd_failed } else { roles.fd })?)
    }
}

/// Returns the position of the parameter that holds the call's result.
#[must_use]
pub fn result_param(info: &EventInfo) -> Option<usize> {
    position(roles(info.event).result)
}

/// Where the parameters are that every event is asked for; [`NONE`] where it has none.
#[derive(Clone, Copy)]
struct Roles {
    result: u8,
    fd: u8,
    /// The descriptor of a call that failed.
    fd_failed: u8,
}

const NONE: u8 = u8::MAX;
const KINDS: usize = {
    let mut highest = 0;
    let mut i = 0;
    while i < EventType::ALL.len() {
        let number = EventType::ALL[i] as usize;
        highest = if number > highest { number } else { highest };
        i += 1;
    }
    highest + 1
};

// PERF: both questions are asked of every event; looking names up each time cost more than all the rest of decoding.
static ROLES: [Roles; KINDS] = {
    let mut all = [Roles { result: NONE, fd: NONE, fd_failed: NONE }; KINDS];
    let mut i = 0;
    while i < EventType::ALL.len() {
        all[EventType::ALL[i] as usize] = roles_of(EventType::ALL[i].info());
        i += 1;
    }
    all
};

fn roles(kind: EventType) -> Roles {
    ROLES.get(kind as usize).copied().unwrap_or(Roles { result: NONE, fd: NONE, fd_failed: NONE })
}

fn position(role: u8) -> Option<usize> {
    (role != NONE).then_some(usize::from(role))
}

const fn roles_of(info: &EventInfo) -> Roles {
    let result = result_of(info);
    let first_fd = next_fd(info, 0, result);
    let mut roles = Roles { result, fd: NONE, fd_failed: NONE };
    if info.effects & Effect::CREATES_FD != 0 {
        let pair = named(info, "fd1");
        roles.fd = if pair == NONE { result } else { pair };
        // A duplication that failed is about the descriptor it was given; an open that failed is about none.
        let given = pair == NONE && info.effects & Effect::USES_FD != 0 && first_fd != NONE;
        roles.fd_failed = if given { first_fd } else { roles.fd };
    } else if info.effects & (Effect::USES_FD | Effect::DESTROYS_FD) != 0 {
        roles.fd = first_fd;
        roles.fd_failed = first_fd;
    }
    roles
}

const fn result_of(info: &EventInfo) -> u8 {
    if !matches!(info.phase, Phase::Exit) {
        return NONE;
    }
    let named = named(info, "res");
    let makes = info.effects & Effect::CREATES_FD != 0 && !info.params.is_empty() && is_fd(info.params[0].ty);
    if named == 0 || makes {
        return 0;
    }
    // Only the event for any call has its result behind the shared parameters.
    if matches!(info.event, EventType::GenericExit) { named } else { NONE }
}

const fn is_fd(ty: ParamType) -> bool {
    matches!(ty, ParamType::Fd)
}

#[expect(clippy::cast_possible_truncation, reason = "a record has at most 64 parameters")]
const fn next_fd(info: &EventInfo, from: usize, except: u8) -> u8 {
    let mut i = from;
    while i < info.params.len() {
        if is_fd(info.params[i].ty) && i as u8 != except {
            return i as u8;
        }
        i += 1;
    }
    NONE
}

#[expect(clippy::cast_possible_truncation, reason = "a record has at most 64 parameters")]
const fn named(info: &EventInfo, name: &str) -> u8 {
    let mut i = 0;
    while i < info.params.len() {
        if same(info.params[i].name.as_bytes(), name.as_bytes()) {
            return i as u8;
        }
        i += 1;
    }
    NONE
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// NUL-terminated items back to back; the last one may lack its NUL.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Items<'a> {
    /// Splits `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|b| *b == 0).unwrap_or(self.rest.len());
        let item = self.rest.get(..end)?;
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(item)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::build::EventBuilder;
    use proptest::prelude::*;

    fn fd_of(line: &str) -> (Option<i64>, Option<i64>) {
        let record = crate::parse_line(line).unwrap();
        let event = record.event().unwrap();
        (event.res(), event.fd())
    }

    #[test]
    fn the_descriptor_is_the_one_made_or_given() {
        for (line, res, fd) in [
            ("openat name=/x res=3", Some(3), Some(3)),
            ("openat name=/x res=-2", Some(-2), Some(-2)),
            ("close res=0 fd=4", Some(0), Some(4)),
            ("dup2 res=5 oldfd=3 newfd=5", Some(5), Some(5)),
            ("dup2 res=EBADF oldfd=3 newfd=5", Some(-9), Some(3)),
            ("socketpair res=0 fd1=6 fd2=7", Some(0), Some(6)),
            ("accept4 fd=8", Some(8), Some(8)),
            ("fcntl res=0 fd=9 cmd=2", Some(0), Some(9)),
            ("newfstatat res=0 dirfd=AT_FDCWD path=x", Some(0), Some(-100)),
            ("sendfile res=1 out_fd=4 in_fd=5", Some(1), Some(4)),
            ("setsid res=7", Some(7), None),
            ("getuid uid=0", None, None),
            ("unlink res=0 path=/x", Some(0), None),
        ] {
            assert_eq!(fd_of(line), (res, fd), "{line}");
        }
    }

    #[test]
    fn integers_keep_their_sign_by_type() {
        let record =
            EventBuilder::new(EventType::SemopExit).set("sem_op_0", -1).set("sem_num_0", 65535).build().unwrap();
        let event = record.event().unwrap();
        let (op, num) = (event.param_by_name("sem_op_0").unwrap(), event.param_by_name("sem_num_0").unwrap());
        assert_eq!((event.int(op), event.uint(op)), (Some(-1), Some(0xffff)));
        assert_eq!((event.int(num), event.uint(num)), (Some(65535), Some(65535)));
        assert_eq!(event.int(0), None, "absent");
    }

    #[test]
    fn unknown_numbers_are_told_apart() {
        let mut bytes = EventBuilder::new(EventType::CloseExit).build().unwrap();
        bytes.header_mut(|header| header.kind = 999);
        assert!(matches!(Event::decode(bytes.raw().unwrap()), Decoded::Unknown(999)));
    }

    proptest! {
        #[test]
        fn items_give_back_what_was_joined(items in proptest::collection::vec("[a-z]{0,5}", 0..6)) {
            let joined: Vec<u8> = items.iter().flat_map(|item| item.bytes().chain([0])).collect();
            let split: Vec<&[u8]> = Items::new(&joined).collect();
            prop_assert_eq!(split, items.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn getters_never_panic(kind in 0..EventType::ALL.len(), values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..24), 0..12)) {
            let mut builder = EventBuilder::new(EventType::ALL[kind]);
            for (at, value) in values.iter().enumerate() {
                builder = builder.set_raw(at, value, ParamStatus::OK);
            }
            let record = builder.build().unwrap();
            let event = record.event().unwrap();
            let _ = (event.res(), event.fd(), event.name(), event.failed());
            for at in 0..16 {
                let _ = (event.int(at), event.uint(at), event.text(at), event.sockaddr(at), event.tuple(at));
                let _ = event.items(at).map(Iterator::count);
            }
        }
    }
}
