//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run that is at work to end, the second ends the program.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a signal does now.
static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// Nothing runs: it ends the program, as it would without us.
const IDLE: u8 = 0;
/// A run is at work: it is asked to end.
const AT_WORK: u8 = 1;
/// The run was asked: it ends the program.
const ASKED: u8 = 2;

/// As shells have it for a program that Ctrl-C has ended: 128 and the number of the signal.
pub(crate) const EXIT_CODE: u8 = 130;

/// A run that is at work, as long as this lives.
pub(crate) struct CancellationGuard(());

impl CancellationGuard {
    /// `told` is what is said when a signal comes.
    pub(crate) fn begin(told: impl Fn() + Send + 'static) -> CancellationGuard {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // An application that has a handler of its own keeps it, and what `nohup` ignores stays ignored.
            let _ = ctrlc::try_set_handler(move || {
                match STATE.compare_exchange(AT_WORK, ASKED, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => told(),
                    Err(_) => std::process::exit(EXIT_CODE.into()),
                }
            });
        });
        STATE.store(AT_WORK, Ordering::SeqCst);
        CancellationGuard(())
    }

    /// Whether a signal came.
    pub(crate) fn is_asked_to_end() -> bool {
        STATE.load(Ordering::SeqCst) == ASKED
    }
}

impl Drop for CancellationGuard {
    fn drop(&mut self) {
        STATE.store(IDLE, Ordering::SeqCst);
    }
}
