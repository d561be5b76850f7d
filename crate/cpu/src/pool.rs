//! A small pool of threads: fork, work, join.
//!
//! One job at a time is cut into parts, and every thread, the caller included, claims parts from a counter until none
//! is left. Which thread does a part is left to chance, so a job must write what depends on the part alone; then its
//! results do not depend on the number of threads.
//!
//! A waiting worker spins for some tens of microseconds, which covers the gaps between the matrices of one step, and
//! then sleeps until the next job. In a browser the page starts the workers itself: each calls [`serve`]. Without
//! shared memory everything runs on the caller.
#![expect(unsafe_code, reason = "the workers borrow the caller's closure for the length of one call")]

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Set in [`Shared::state`] while workers may join the current job.
const OPEN: u64 = 1 << 31;
/// The bits of [`Shared::state`] that count the workers inside the job; the number of the job is above them.
const INSIDE: u64 = OPEN - 1;
/// Polls before a worker sleeps: some 30 to 50 microseconds.
const SPINS: u32 = if cfg!(target_family = "wasm") { 20_000 } else { 2_000 };

/// A borrowed job, its lifetime forgotten: [`Pool::run`] returns only when no worker can touch it any more.
type Job = *const (dyn Fn(usize) + Sync);

/// What the caller and the workers share.
struct Shared {
    /// The number of the job in the upper half, [`OPEN`], and the count of workers inside.
    state: AtomicU64,
    /// The next part to claim.
    next: AtomicUsize,
    /// How many parts the job has.
    parts: AtomicUsize,
    /// The job; written by the caller alone, while no job is open and no worker is inside.
    job: UnsafeCell<Option<Job>>,
    /// A part panicked on a worker.
    panicked: AtomicBool,
    /// The workers are to end.
    stop: AtomicBool,
    /// How many workers sleep.
    asleep: AtomicU32,
    /// Held by a worker that is about to sleep and by a caller that wakes.
    sleep: Mutex<()>,
    wake: Condvar,
}

// SAFETY: `job` is written only by the one caller that holds `Pool::busy`, while the state is closed and counts no
// worker, and is read only by workers that entered through a state that was open, which the caller waits out. What it
// points to is `Sync`.
unsafe impl Sync for Shared {}
// SAFETY: as above; nothing in it belongs to a thread.
unsafe impl Send for Shared {}

impl Shared {
    const fn new() -> Shared {
        Shared {
            state: AtomicU64::new(0),
            next: AtomicUsize::new(0),
            parts: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            asleep: AtomicU32::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Does parts until none is left.
    fn work(&self, job: &(dyn Fn(usize) + Sync), parts: usize) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= parts {
                return;
            }
            job(part);
        }
    }

    /// Joins the job if there is an open one other than `seen`; gives its number.
    fn join(&self, seen: u64) -> Option<u64> {
        let state = self.state.load(Ordering::Acquire);
        if state & OPEN == 0 || state >> 32 == seen {
            return None;
        }
        self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).ok()?;
        // SAFETY: this worker is counted inside an open job, so the caller has written the job and waits for it.
        let job = unsafe { (*self.job.get()).map(|job| &*job) };
        if let Some(job) = job {
            let parts = self.parts.load(Ordering::Relaxed);
            if catch_unwind(AssertUnwindSafe(|| self.work(job, parts))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
        }
        self.state.fetch_sub(1, Ordering::Release);
        Some(state >> 32)
    }

    /// The life of a worker.
    fn serve(&self) {
        let mut seen = 0;
        let mut spins = 0;
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(number) = self.join(seen) {
                (seen, spins) = (number, 0);
            } else if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                self.doze(seen);
                spins = 0;
            }
        }
    }

    /// Sleeps until a job other than `seen` opens or the pool ends.
    fn doze(&self, seen: u64) {
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        // Sequentially consistent on both sides: either the caller sees a sleeper, or the sleeper sees the job.
        self.asleep.fetch_add(1, Ordering::SeqCst);
        while !self.stop.load(Ordering::SeqCst) {
            let state = self.state.load(Ordering::SeqCst);
            if state & OPEN != 0 && state >> 32 != seen {
                break;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }

    /// Wakes the sleepers, if there are any.
    fn rouse(&self) {
        if self.asleep.load(Ordering::SeqCst) > 0 {
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Opens a job; the caller holds [`Pool::busy`] and every earlier job is closed and left.
    fn open(&self, job: &(dyn Fn(usize) + Sync), parts: usize) {
        // SAFETY: a lifetime is forgotten, nothing else changes; `Closing` makes sure that the job is not used later.
        let job = unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), Job>(job) };
        // SAFETY: the state is closed and counts no worker, so nobody reads the cell.
        unsafe { *self.job.get() = Some(job) };
        self.next.store(0, Ordering::Relaxed);
        self.parts.store(parts, Ordering::Relaxed);
        let number = (self.state.load(Ordering::Relaxed) >> 32).wrapping_add(1) & 0xffff_ffff;
        self.state.store(number.max(1) << 32 | OPEN, Ordering::SeqCst);
        self.rouse();
    }
}

/// Closes the job when dropped, also when the caller's own part panics, and waits for the workers inside.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let shared = self.0;
        // After a panic of the caller the others need not do the rest.
        shared.next.store(usize::MAX / 2, Ordering::Relaxed);
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while shared.state.load(Ordering::Acquire) & INSIDE != 0 {
            spins += 1;
            if spins > SPINS && !cfg!(target_family = "wasm") {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// Threads that work together on one job at a time.
pub struct Pool {
    shared: Arc<Shared>,
    threads: usize,
    busy: Mutex<()>,
    handles: Vec<std::thread::JoinHandle<()>>,
}

impl Pool {
    /// A pool in which `threads` threads work, the caller being one of them; none or one means the caller alone.
    /// Where the system refuses a thread, the pool has fewer. In a browser with shared memory, the page starts the
    /// other threads, see [`serve`].
    pub fn new(threads: usize) -> Pool {
        let shared = shared();
        let mut handles = Vec::new();
        if !cfg!(target_family = "wasm") {
            for index in 1..threads {
                let shared = shared.clone();
                let builder = std::thread::Builder::new().name(format!("dynasty-{index}"));
                match builder.spawn(move || shared.serve()) {
                    Ok(handle) => handles.push(handle),
                    Err(_) => break,
                }
            }
        }
        let threads = match () {
            () if !cfg!(target_family = "wasm") => handles.len() + 1,
            () if cfg!(target_feature = "atomics") => threads.max(1),
            () => 1,
        };
        Pool { shared, threads, busy: Mutex::new(()), handles }
    }

    /// How many threads work on a job.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `job(0)` to `job(parts - 1)`, each once, on any of the threads, and returns when all are done. A call
    /// from inside a job, or while another thread's job runs, does all of it on the calling thread.
    ///
    /// # Panics
    /// If a part panics.
    pub fn run(&self, parts: usize, job: &(dyn Fn(usize) + Sync)) {
        let busy = if self.threads > 1 && parts > 1 { self.busy.try_lock().ok() } else { None };
        if busy.is_none() {
            return (0..parts).for_each(job);
        }
        let shared = &*self.shared;
        shared.open(job, parts);
        let closing = Closing(shared);
        let outcome = catch_unwind(AssertUnwindSafe(|| shared.work(job, parts)));
        drop(closing);
        let panicked = shared.panicked.swap(false, Ordering::Relaxed);
        drop(busy);
        match outcome {
            Err(panic) => resume_unwind(panic),
            Ok(()) => assert!(!panicked, "a part of a job panicked on a worker"),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if self.handles.is_empty() {
            return;
        }
        self.shared.stop.store(true, Ordering::SeqCst);
        drop(self.shared.sleep.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.wake.notify_all();
        for handle in self.handles.drain(..) {
            // A worker catches the panics of jobs, so there is nothing to report.
            let _ = handle.join();
        }
    }
}

/// In a browser every pool shares the workers that the page has started.
fn shared() -> Arc<Shared> {
    if cfg!(target_family = "wasm") { page().clone() } else { Arc::new(Shared::new()) }
}

/// What the page's workers and the engine share.
fn page() -> &'static Arc<Shared> {
    static PAGE: std::sync::OnceLock<Arc<Shared>> = std::sync::OnceLock::new();
    PAGE.get_or_init(|| Arc::new(Shared::new()))
}

/// The life of a worker that a page has started on the engine's memory: takes part in the jobs of every pool, until
/// [`dismiss`]. Natively a pool starts its workers itself and nothing calls this.
pub fn serve() {
    page().serve();
}

/// Lets the workers that are in [`serve`] return; later ones return at once.
pub fn dismiss() {
    let shared = page();
    shared.stop.store(true, Ordering::SeqCst);
    drop(shared.sleep.lock().unwrap_or_else(PoisonError::into_inner));
    shared.wake.notify_all();
}

#[cfg(test)]
mod tests;
