//! The caller's hooks into a run: its observer, and its condition to stop.

use crate::report::Event;

type Observer<'c> = Box<dyn FnMut(&Event<'_>) + 'c>;

type Stop<'c> = Box<dyn Fn() -> bool + 'c>;

/// The closures of the caller.
#[derive(Default)]
pub(super) struct Hooks<'c> {
    pub(super) observer: Option<Observer<'c>>,
    pub(super) is_to_stop: Option<Stop<'c>>,
}

impl Hooks<'_> {
    pub(super) fn tell(&mut self, event: &Event<'_>) {
        if let Some(observer) = &mut self.observer {
            observer(event);
        }
    }

    /// Returns true if the caller wants the run to stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_to_stop.as_ref().is_some_and(|is_to_stop| is_to_stop())
    }
}
