// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Socket addresses and tuples, as `.scap` files lay them out.
//!
//! ```text
//! address   family u8 | IPv4: ip 4, port 2 | IPv6: ip 16, port 2 | unix: path
//! tuple     family u8 | IPv4, IPv6: source ip and port, destination ip and port | unix: source inode 8, destination inode 8, path
//! ```
//! Ports are in host order. A path has no NUL at its end; one in an abstract name at the start becomes `@`.
//! A tuple goes the way of the data: its source is the socket's own end where it sent, and the peer where it received.

use super::values::{cut_if, Values};
use super::{Fact, FactValue, Fault, ParamStatus, ProbeContext};

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
/// Longest path in a `struct sockaddr_un`.
const MAX_PATH: u64 = 108;

/// Which way the data of a call goes.
#[derive(Clone, Copy)]
enum Way {
    /// To the given address.
    To,
    /// From it.
    From,
}

/// Where an address of user memory lies and what it is.
#[derive(Clone, Copy)]
struct Place {
    at: u64,
    len: u64,
    family: u64,
}

impl Place {
    /// Bytes of a whole address of the family, or `None` for families whose inside is not shown.
    fn inet_bytes(self) -> Option<(u64, usize)> {
        match self.family {
            // Offset and length of the ip; the port is at 2 in both.
            AF_INET if self.len >= 8 => Some((4, 4)),
            AF_INET6 if self.len >= 24 => Some((8, 16)),
            _ => None,
        }
    }

    /// Returns how many bytes one end of a tuple of the family has.
    fn end_bytes(self) -> Option<usize> {
        match self.family {
            AF_UNIX => Some(8),
            _ => self.inet_bytes().map(|(_, bytes)| bytes.saturating_add(2)),
        }
    }
}

impl<C: ProbeContext> Values<'_, '_, C> {
    pub(super) fn sockaddr(&mut self, arg: u8, len: u8) -> Result<(), Fault> {
        let (at, len) = (self.call.arg(arg), self.call.arg(len));
        let Some(place) = self.place(at, len)? else {
            self.out.absent();
            return Ok(());
        };
        self.out.piece(&family_byte(place.family));
        let mut cut = false;
        if place.family == AF_UNIX {
            self.path(place)?;
        } else if let Some((ip, bytes)) = place.inet_bytes() {
            self.ip_and_port(place.at, ip, bytes)?;
        } else {
            cut = matches!(place.family, AF_INET | AF_INET6);
        }
        self.out.end_pieces(ParamStatus::USER.with(cut_if(cut)));
        Ok(())
    }

    pub(super) fn tuple_to(&mut self, arg: u8, len: u8) -> Result<(), Fault> {
        let (at, len) = (self.call.arg(arg), self.call.arg(len));
        self.tuple(Way::To, at, len)
    }

    pub(super) fn tuple_from(&mut self, arg: u8, len: u8) -> Result<(), Fault> {
        let at = self.call.arg(arg);
        let len = self.user_int(len, 0, 4)?.map_or(0, |(len, _)| len);
        self.tuple(Way::From, at, len)
    }

    pub(super) fn msg_tuple_to(&mut self, arg: u8) -> Result<(), Fault> {
        let (at, len) = self.message_name(arg)?;
        self.tuple(Way::To, at, len)
    }

    pub(super) fn msg_tuple_from(&mut self, arg: u8) -> Result<(), Fault> {
        let (at, len) = self.message_name(arg)?;
        self.tuple(Way::From, at, len)
    }

    fn message_name(&mut self, arg: u8) -> Result<(u64, u64), Fault> {
        Ok(self.message(arg)?.map_or((0, 0), |message| (message.name, message.name_len)))
    }

    /// Writes the tuple of the socket in the first argument, with the address at `at` as its peer if there is one.
    fn tuple(&mut self, way: Way, at: u64, len: u64) -> Result<(), Fault> {
        let Some((place, end)) = self.place(at, len)?.and_then(|place| Some((place, place.end_bytes()?))) else {
            self.own_tuple();
            return Ok(());
        };
        let own = self.own_end(way, place.family, end);
        let own = own.get(..end).unwrap_or_default();
        self.out.piece(&family_byte(place.family));
        if matches!(way, Way::To) {
            self.out.piece(own);
        }
        match place.inet_bytes() {
            Some((ip, bytes)) => self.ip_and_port(place.at, ip, bytes)?,
            // The peer's inode is not known from its path.
            None => _ = self.out.piece(&[0; 8]),
        }
        if matches!(way, Way::From) {
            self.out.piece(own);
        }
        if place.family == AF_UNIX {
            self.path(place)?;
        }
        self.out.end_pieces(ParamStatus::USER);
        Ok(())
    }

    fn own_tuple(&mut self) {
        match self.ctx.fact(Fact::Tuple) {
            FactValue::Bytes(bytes, status) => self.out.bytes(bytes, status),
            FactValue::Unreadable => self.out.unreadable(),
            FactValue::Absent | FactValue::Int(_) => self.out.absent(),
        }
    }

    /// Returns the socket's own end, `len` bytes of the tuple the context knows; zeros where that is of another family.
    fn own_end(&self, way: Way, family: u64, len: usize) -> [u8; 18] {
        let mut own = [0; 18];
        let skipped = match way {
            Way::To => 0,
            Way::From => len,
        };
        if let FactValue::Bytes([first, ends @ ..], _) = self.ctx.fact(Fact::Tuple) {
            if u64::from(*first) == family {
                for (into, from) in own.iter_mut().zip(ends.iter().skip(skipped)) {
                    *into = *from;
                }
            }
        }
        own
    }

    fn place(&mut self, at: u64, len: u64) -> Result<Option<Place>, Fault> {
        let len = len & 0xffff_ffff;
        if at == 0 || len < 2 {
            return Ok(None);
        }
        let family = self.read_int(at, 2)?;
        Ok(Some(Place { at, len, family }))
    }

    fn ip_and_port(&mut self, at: u64, ip: u64, bytes: usize) -> Result<(), Fault> {
        let port = self.read_int(at.wrapping_add(2), 2)?;
        let ctx = &mut *self.ctx;
        self.out.fill_piece(bytes, |into| ctx.copy_from_user(at.wrapping_add(ip), into).map(|()| into.len()))?;
        // Big-endian in memory, little-endian in the record.
        let [low, high, ..] = port.to_le_bytes();
        self.out.piece(&[high, low]);
        Ok(())
    }

    fn path(&mut self, place: Place) -> Result<(), Fault> {
        let ctx = &mut *self.ctx;
        let max = place.len.saturating_sub(2).min(MAX_PATH) as usize;
        self.out.fill_piece(max, |into| {
            ctx.copy_from_user(place.at.wrapping_add(2), into)?;
            if let [first @ 0, _, ..] = into {
                *first = b'@';
            }
            Ok(into.iter().position(|byte| *byte == 0).unwrap_or(into.len()))
        })?;
        Ok(())
    }
}

fn family_byte(family: u64) -> [u8; 1] {
    [u8::try_from(family).unwrap_or(0)]
}
