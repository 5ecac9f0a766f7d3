//! Memory of a process, from `/proc`.

use std::{fs, io};

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Resident now (`VmRSS`).
    pub resident: u64,
    /// The most that ever was resident (`VmHWM`).
    pub peak: u64,
}

/// Memory of the process `id`. Only where there is a `/proc` as on Linux.
pub fn memory(id: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| {
        parse(&status, name)
            .ok_or_else(|| io::Error::other(format!("{name} is missing in /proc/{id}/status")))
    };
    Ok(Memory {
        resident: field("VmRSS:")?,
        peak: field("VmHWM:")?,
    })
}

fn parse(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read() {
        let status = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t     512 kB\n";
        assert_eq!(parse(status, "VmRSS:"), Some(524_288));
        assert_eq!(parse(status, "VmHWM:"), Some(2_097_152));
        assert_eq!(parse(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let memory = memory(std::process::id()).unwrap();
        assert!(0 < memory.resident && memory.resident <= memory.peak);
    }
}
