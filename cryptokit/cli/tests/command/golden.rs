//! Golden runs of the command: help and refusals, as a user sees them.

#[test]
fn commands_print_what_the_golden_files_say() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
