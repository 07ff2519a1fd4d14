//! The exact errors of the derive for each kind of mistake.
//!
//! rustc prints parts of these texts, so they fit one toolchain. Other toolchains ignore the test.

#[rustversion::stable(1.95)]
#[test]
fn each_mistake_is_reported_at_its_location_with_a_fix() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[rustversion::not(stable(1.95))]
#[test]
#[ignore = "the expected texts are those of Rust 1.95; run this test with that toolchain"]
fn each_mistake_is_reported_at_its_location_with_a_fix() {}

#[test]
fn derived_code_passes_strict_lints_in_a_program() {
    trybuild::TestCases::new().pass("tests/lints.rs");
}
