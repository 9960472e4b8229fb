//! Runs each target with the files in `fuzz/seeds/TARGET` and `fuzz/corpus/TARGET`, for `scripts/fuzz --coverage`.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    for (target, body) in ipv6_fuzz::TARGETS {
        let mut count = 0;
        for folder in ["seeds", "corpus"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
            // No corpus: the target was not fuzzed on this machine.
            let Ok(files) = fs::read_dir(folder) else { continue };
            for file in files {
                body(&fs::read(file?.path())?);
                count += 1;
            }
        }
        eprintln!("{target}: {count} inputs");
    }
    Ok(())
}
