// SPDX-License-Identifier: GPL-2.0-only

//! `/dev/saker`: who may open it, its control calls, mappings and poll.
//!
//! The device is for root alone (0600), and every call asks for the capabilities of the one who opened it, so a
//! descriptor that is passed on is worth what its opener was. One process captures at a time.
//!
//! Locks: the session's, then the holder's.

use crate::capture::{boot_ns, Capture};
use crate::driver_api::ioctl::{self, Area, CpuBooks, Holder, Info, SetUp, Wanted};
use crate::driver_api::version::{PROTOCOL, SCHEMA};
use crate::ring::Bell;
use crate::{queue, HOLDER};
use kernel::bindings;
use kernel::cpu::nr_cpu_ids;
use kernel::fs::File;
use kernel::miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration};
use kernel::mm::virt::VmaNew;
use kernel::new_mutex;
use kernel::page::{PAGE_SHIFT, PAGE_SIZE};
use kernel::prelude::*;
use kernel::sync::poll::PollTable;
use kernel::sync::{Arc, Mutex};
use kernel::task::Task;
use kernel::types::ForeignOwnable;
use kernel::uaccess::{UserPtr, UserSlice};
use zerocopy::{FromBytes, IntoBytes};

/// What poll answers when there is something to read.
const READABLE: u32 = bindings::POLLIN | bindings::POLLRDNORM;
/// What it answers when nothing is set up.
const ERROR: u32 = bindings::POLLERR;

/// An open device.
#[pin_data]
pub(crate) struct Session {
    bell: Arc<Bell>,
    #[pin]
    capture: Mutex<Option<Arc<Capture>>>,
}

#[vtable]
impl MiscDevice for Session {
    type Ptr = Pin<KBox<Self>>;

    fn open(file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        check_opener(file)?;
        let bell = Bell::new()?;
        KBox::pin_init(pin_init!(Self { bell, capture <- new_mutex!(None, "saker_session") }), GFP_KERNEL_ACCOUNT)
    }

    fn release(session: Self::Ptr, _file: &File) {
        let Some(capture) = session.capture.lock().take() else { return };
        capture.close();
        *HOLDER.lock() = None;
        // It is on no queue yet: it is enqueued here alone, once.
        let _ = queue().enqueue(capture);
    }

    fn mmap(session: Pin<&Self>, file: &File, vma: &VmaNew) -> Result {
        check_opener(file)?;
        // SAFETY: the VMA is being set up by this call, so nobody changes the field.
        let page = unsafe { (*vma.as_ptr()).vm_pgoff } as u64;
        let (cpu, area) = Area::at(page << PAGE_SHIFT).ok_or(EINVAL)?;
        let capture = session.capture()?;
        let ring = capture.ring(cpu).ok_or(EINVAL)?;
        ring.pages().map(area, vma)
    }

    fn ioctl(session: Pin<&Self>, file: &File, call: u32, arg: usize) -> Result<isize> {
        check_opener(file)?;
        match call {
            ioctl::INFO => write(arg, &info()),
            ioctl::WHO => write(arg, &(*HOLDER.lock()).ok_or(ENOENT)?),
            ioctl::SET_UP => session.set_up(&*read::<SetUp>(arg)?),
            ioctl::START => session.capture()?.start(),
            ioctl::STOP => {
                session.capture()?.close();
                Ok(())
            }
            ioctl::CHANGE_INTEREST => session.capture()?.change_interest(&*read::<Wanted>(arg)?),
            ioctl::BOOKS => session.books(arg),
            _ => Err(ENOTTY),
        }?;
        Ok(0)
    }
}

impl Session {
    fn capture(&self) -> Result<Arc<Capture>> {
        self.capture.lock().clone().ok_or(ENXIO)
    }

    #[inline(never)]
    fn set_up(&self, set_up: &SetUp) -> Result {
        let mut own = self.capture.lock();
        if own.is_some() {
            return Err(EBUSY);
        }
        let mut holder = HOLDER.lock();
        if holder.is_some() {
            return Err(EBUSY);
        }
        *own = Some(Capture::new(set_up, self.bell.clone())?);
        *holder = Some(caller());
        Ok(())
    }

    #[inline(never)]
    fn books(&self, arg: usize) -> Result {
        let mut asked = read::<CpuBooks>(arg)?;
        let capture = self.capture()?;
        let ring = capture.ring(asked.cpu).ok_or(EINVAL)?;
        if asked.reserved != 0 {
            return Err(EINVAL);
        }
        asked.books = ring.books();
        write(arg, &*asked)
    }
}

/// Asks for the capabilities of the one who opened the file, whoever uses it now.
fn check_opener(file: &File) -> Result {
    let has = |capability: u32| {
        // SAFETY: the file is alive, and the initial user namespace lives for ever.
        unsafe { bindings::file_ns_capable(file.as_ptr(), &raw mut bindings::init_user_ns, capability as i32) }
    };
    if has(bindings::CAP_SYS_ADMIN) || (has(bindings::CAP_PERFMON) && has(bindings::CAP_SYS_PTRACE)) {
        Ok(())
    } else {
        Err(EPERM)
    }
}

fn info() -> Info {
    let mut source = [0; 64];
    for (into, from) in source.iter_mut().zip(crate::SOURCE.as_bytes().iter().take(63)) {
        *into = *from;
    }
    Info {
        protocol_major: PROTOCOL.major,
        protocol_minor: PROTOCOL.minor,
        schema_major: SCHEMA.major,
        schema_minor: SCHEMA.minor,
        cpus: nr_cpu_ids(),
        page_bytes: PAGE_SIZE as u32,
        source,
    }
}

/// Describes the calling process.
fn caller() -> Holder {
    let task = Task::current_raw();
    // SAFETY: the current task is valid, and its ids change in its own exec only.
    let pid = unsafe { (*task).tgid } as u32;
    // SAFETY: as above; the name may be torn, but stays inside its bytes.
    let comm = unsafe { (*task).comm };
    Holder { pid, reserved: 0, since_ns: boot_ns(), comm }
}

/// Reads a structure from the caller's memory into the heap: some are too large for the stack.
fn read<T: FromBytes + IntoBytes>(arg: usize) -> Result<KBox<T>> {
    let mut value = KBox::<T>::new_uninit(GFP_KERNEL)?;
    // SAFETY: zeros are a value of any `FromBytes` type, and the box is writable for one.
    unsafe { value.as_mut_ptr().write_bytes(0, 1) };
    // SAFETY: just initialised.
    let mut value = unsafe { value.assume_init() };
    UserSlice::new(UserPtr::from_addr(arg), size_of::<T>()).reader().read_slice((*value).as_mut_bytes())?;
    Ok(value)
}

fn write<T: IntoBytes + zerocopy::Immutable>(arg: usize, value: &T) -> Result {
    UserSlice::new(UserPtr::from_addr(arg), size_of::<T>()).writer().write_slice(value.as_bytes())
}

/// # Safety
/// Called by the kernel with a file of this device and a poll table.
unsafe extern "C" fn poll(file: *mut bindings::file, table: *mut bindings::poll_table) -> bindings::__poll_t {
    // SAFETY: between open and release the private data is the session, and poll is called in between only.
    let session = unsafe { <<Session as MiscDevice>::Ptr as ForeignOwnable>::borrow((*file).private_data) };
    // SAFETY: by this function's contract.
    let table = unsafe { PollTable::from_raw(table) };
    // SAFETY: the file is alive, and poll runs in no region that holds its position.
    let file = unsafe { File::from_raw_file(file) };
    // Registered first, looked at second: what comes in between wakes.
    table.register_wait(file, &session.bell.sleepers);
    match session.capture() {
        Ok(capture) if capture.is_due() => READABLE,
        Ok(_) => 0,
        Err(_) => ERROR,
    }
}

/// The kernel's table for the device, with poll in it: `MiscDevice` knows no poll.
struct Operations(bindings::file_operations);

// SAFETY: it is never changed.
unsafe impl Sync for Operations {}

static OPERATIONS: Operations = {
    let device = options().into_raw::<Session>();
    // SAFETY: `into_raw` points at a table that is a constant.
    let mut operations = unsafe { core::ptr::read(device.fops) };
    operations.poll = Some(poll);
    Operations(operations)
};

const fn options() -> MiscDeviceOptions {
    MiscDeviceOptions { name: c"saker" }
}

/// Registers the device.
pub(crate) fn register() -> impl PinInit<MiscDeviceRegistration<Session>, Error> {
    MiscDeviceRegistration::register(options()).pin_chain(|device| {
        // SAFETY: the table has the same functions as the one it replaces, and lives as long as the module. An open at this
        // moment gets either; the older one has no poll, which is said as "always ready".
        unsafe { (*device.as_raw()).fops = &raw const OPERATIONS.0 };
        Ok(())
    })
}
