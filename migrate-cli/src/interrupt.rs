//! Ctrl-C, SIGTERM and SIGHUP: the first signal stops the run in progress, the second ends the program.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

/// The effect of the next signal.
static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// No run is in progress: a signal ends the program.
const IDLE: u8 = 0;
/// A run is in progress: a signal asks it to stop.
const AT_WORK: u8 = 1;
/// The run was asked to stop: another signal ends the program.
const ASKED: u8 = 2;

/// The exit code of shells for a program that Ctrl-C has ended: 128 plus the number of the signal.
pub(crate) const EXIT_CODE: u8 = 130;

/// A run in progress, as long as this value lives.
pub(crate) struct CancellationGuard(());

impl CancellationGuard {
    /// Marks a run as in progress. `on_signal` is called when a signal arrives.
    pub(crate) fn begin(on_signal: impl Fn() + Send + 'static) -> CancellationGuard {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // An application's own handler stays, and a signal that `nohup` ignores stays ignored.
            let _ = ctrlc::try_set_handler(move || {
                match STATE.compare_exchange(AT_WORK, ASKED, Ordering::SeqCst, Ordering::SeqCst) {
                    Ok(_) => on_signal(),
                    Err(_) => std::process::exit(EXIT_CODE.into()),
                }
            });
        });
        STATE.store(AT_WORK, Ordering::SeqCst);
        CancellationGuard(())
    }

    /// Returns true if a signal has arrived during the run.
    pub(crate) fn is_asked_to_end() -> bool {
        STATE.load(Ordering::SeqCst) == ASKED
    }
}

impl Drop for CancellationGuard {
    fn drop(&mut self) {
        STATE.store(IDLE, Ordering::SeqCst);
    }
}
