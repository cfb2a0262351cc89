mod shipped;

fn main() -> std::process::ExitCode {
    dogwatch::cli::main(shipped::FILES)
}
