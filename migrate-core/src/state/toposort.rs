//! Orders items so that each comes after its dependencies.

use std::collections::HashMap;

/// Returns the items, each after the items that it needs. Otherwise their order stays. In a cycle, one item comes
/// before its dependency.
pub(crate) fn toposort<'a, T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'a str,
    needs: impl Fn(T) -> Vec<&'a str>,
) -> Vec<T> {
    let positions: HashMap<&str, usize> = all.iter().enumerate().map(|(at, one)| (name(*one), at)).collect();
    let mut ordered = Vec::with_capacity(all.len());
    let mut is_begun = vec![false; all.len()];
    // Each item with its remaining dependencies.
    let mut waiting: Vec<(usize, Vec<&str>)> = Vec::new();
    for at in 0..all.len() {
        let mut next = Some(at);
        loop {
            if let Some(at) = next.filter(|at| !std::mem::replace(&mut is_begun[*at], true)) {
                waiting.push((at, needs(all[at])));
            }
            let Some((at, needed)) = waiting.last_mut() else {
                break;
            };
            match needed.pop() {
                Some(name) => next = positions.get(name).copied(),
                None => {
                    ordered.push(all[*at]);
                    waiting.pop();
                    next = None;
                }
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_first_and_a_cycle_terminates() {
        let things = [
            ("a", vec!["c"]),
            ("b", vec![]),
            ("c", vec!["b", "elsewhere"]),
            ("x", vec!["y"]),
            ("y", vec!["x"]),
        ];
        let all: Vec<&(&str, Vec<&str>)> = things.iter().collect();
        let ordered = toposort(&all, |thing| thing.0, |thing| thing.1.clone());
        let names: Vec<&str> = ordered.into_iter().map(|thing| thing.0).collect();
        assert_eq!(names, ["b", "c", "a", "y", "x"]);
    }
}
