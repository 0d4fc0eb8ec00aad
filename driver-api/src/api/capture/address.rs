// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Socket addresses and tuples, as `.scap` files lay them out.
//!
//! ```text
//! address   family u8 | IPv4: ip 4, port 2 | IPv6: ip 16, port 2 | unix: path
//! tuple     family u8 | IPv4, IPv6: own ip and port, peer ip and port | unix: own inode 8, peer inode 8, path
//! ```
//! Ports are in host order. A path has no NUL at its end; one in an abstract name at the start becomes `@`.
//! A tuple starts at the socket's own address whether data came or went.

use super::values::{cut_if, Values};
use super::{Fact, FactValue, Fault, ParamStatus, ProbeContext};

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
/// Longest path in a `struct sockaddr_un`.
const MAX_PATH: u64 = 108;

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
        self.tuple(at, len)
    }

    pub(super) fn tuple_from(&mut self, arg: u8, len: u8) -> Result<(), Fault> {
        let at = self.call.arg(arg);
        let len = self.user_int(len, 0, 4)?.map_or(0, |(len, _)| len);
        self.tuple(at, len)
    }

    pub(super) fn msg_tuple(&mut self, arg: u8) -> Result<(), Fault> {
        let (at, len) = self.message(arg)?.map_or((0, 0), |message| (message.name, message.name_len));
        self.tuple(at, len)
    }

    /// Writes the tuple of the socket in the first argument, with the address at `at` as its peer if there is one.
    fn tuple(&mut self, at: u64, len: u64) -> Result<(), Fault> {
        let place = self.place(at, len)?;
        match place {
            Some(place) if place.family == AF_UNIX => {
                let (own, _) = self.own_end(AF_UNIX, 8);
                self.out.piece(&family_byte(AF_UNIX));
                self.out.piece(own.get(..8).unwrap_or_default());
                self.out.piece(&[0; 8]);
                self.path(place)?;
                self.out.end_pieces(ParamStatus::USER);
            }
            Some(place) if place.inet_bytes().is_some() => {
                let (ip, bytes) = place.inet_bytes().unwrap_or((0, 0));
                let (own, len) = self.own_end(place.family, bytes + 2);
                self.out.piece(&family_byte(place.family));
                self.out.piece(own.get(..len).unwrap_or_default());
                self.ip_and_port(place.at, ip, bytes)?;
                self.out.end_pieces(ParamStatus::USER);
            }
            _ => match self.ctx.fact(Fact::Tuple) {
                FactValue::Bytes(bytes, status) => self.out.bytes(bytes, status),
                FactValue::Unreadable => self.out.unreadable(),
                FactValue::Absent | FactValue::Int(_) => self.out.absent(),
            },
        }
        Ok(())
    }

    /// Returns the socket's own end, `len` bytes behind the family; zeros where it is of another family.
    fn own_end(&self, family: u64, len: usize) -> ([u8; 18], usize) {
        let mut own = [0; 18];
        if let FactValue::Bytes([first, ends @ ..], _) = self.ctx.fact(Fact::Tuple) {
            if u64::from(*first) == family {
                for (into, from) in own.iter_mut().zip(ends.iter().take(len)) {
                    *into = *from;
                }
            }
        }
        (own, len)
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
