//! Starts the sandbox and waits: `cargo run -p lockstep-sandbox --example sandbox [PORT]`.

use lockstep_sandbox::{Options, Sandbox};

fn main() {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let options = Options { port, ..Options::default() };
    match Sandbox::start(options) {
        Ok(running) => {
            println!("sandbox systems at {}/", running.root());
            loop {
                std::thread::park();
            }
        }
        Err(error) => eprintln!("{error}"),
    }
}
