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
        self.int(result_param(self.info())?)
    }

    /// Returns the descriptor the event works on: the one it made, else the first it was given.
    #[must_use]
    pub fn fd(&self) -> Option<i64> {
        self.int(fd_param(self.info(), self.res())?)
    }
}

/// Returns the position of the parameter that holds the call's result.
#[must_use]
pub fn result_param(info: &EventInfo) -> Option<usize> {
    if info.phase != Phase::Exit {
        return None;
    }
    let first = info.params.first()?;
    if first.name == "res" || (first.ty == ParamType::Fd && info.effects & Effect::CREATES_FD != 0) {
        return Some(0);
    }
    match info.event {
        EventType::SetsidExit => Some(0),
        EventType::GenericExit => info.params.iter().position(|param| param.name == "res"),
        _ => None,
    }
}

/// Returns the position of the descriptor an event works on, given its result.
fn fd_param(info: &EventInfo, res: Option<i64>) -> Option<usize> {
    let result = result_param(info);
    if info.effects & Effect::CREATES_FD != 0 {
        let pair = info.params.iter().position(|param| param.name == "fd1");
        let made = pair.or(result)?;
        let from =
            info.params.iter().enumerate().position(|(at, p)| at != made && p.ty == ParamType::Fd && pair.is_none());
        // A duplication that failed is about the descriptor it was given; an open that failed is about none.
        let gives = info.effects & Effect::USES_FD != 0 && res.is_some_and(|res| res < 0);
        return if gives { from.or(Some(made)) } else { Some(made) };
    }
    if info.effects & (Effect::USES_FD | Effect::DESTROYS_FD) == 0 {
        return None;
    }
    info.params.iter().enumerate().position(|(at, param)| Some(at) != result && param.ty == ParamType::Fd)
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
