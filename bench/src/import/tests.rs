use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn progress_lines() {
    assert_eq!(parse_progress("progress 1000 0.25"), Some((1_000.0, 0.25)));
    assert_eq!(parse_progress("progress soon"), None);
    assert_eq!(parse_progress("imported 3"), None);
}

#[test]
fn tenths_are_interpolated() {
    // 100/s for the first half, 50/s for the second.
    let progress: Vec<(f64, f64)> = (1..=20)
        .map(|step| {
            let count = f64::from(step) * 50.0;
            (
                count,
                if count <= 500.0 {
                    count / 100.0
                } else {
                    5.0 + (count - 500.0) / 50.0
                },
            )
        })
        .collect();
    let (first, last) = tenths(&progress, 1_000).unwrap();
    assert!(
        (first - 100.0).abs() < 1e-6 && (last - 50.0).abs() < 1e-6,
        "{first} {last}"
    );
    assert_eq!(tenths(&progress[..15], 1_000), None);
    assert_eq!(tenths(&[], 1_000), None);
}

#[test]
fn a_program_is_timed_and_its_folder_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file, data) = (
        folder.path().join("program"),
        folder.path().join("messages"),
        folder.path().join("data"),
    );
    fs::create_dir(&data).unwrap();
    fs::write(data.join("before"), [0; 100]).unwrap();
    fs::write(&file, "{}\n{}\n{}\n").unwrap();
    let script = "#!/bin/sh\n[ \"$1\" = import ] && [ -f \"$2\" ] && [ \"$3\" = --data ] || exit 2\n\
                  mkdir \"$4/sub\"; printf 123456 >\"$4/sub/file\"; echo 'progress 3 0.1' >&2\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let imported = measure(&program, &file, &data).unwrap();
    assert_eq!((imported.messages, imported.bytes), (3, 6));
    assert_eq!(imported.bytes_per_message(), 2.0);
    assert!(imported.tenths.is_none());
    assert!(imported.rate() > 0.0);
}

#[test]
fn a_failing_program_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = (folder.path().join("program"), folder.path().join("messages"));
    fs::write(&file, "").unwrap();
    fs::write(&program, "#!/bin/sh\necho the reason >&2\nexit 7\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let error = measure(&program, &file, folder.path()).unwrap_err().to_string();
    assert!(error.contains('7') && error.contains("the reason"), "{error}");
}
