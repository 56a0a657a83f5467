//! Homes: `init` and `dev` make them once and whole, and overwrite nothing.

use std::os::unix::fs::PermissionsExt;

use super::Home;
use crate::support::process::{Dev, binary, once_its_ports_are_free, run, stderr};

#[test]
fn init_never_overwrites_and_checks_what_it_is_given() {
    let home = Home::init();
    let before = std::fs::read(home.file("root.key")).unwrap();
    let again =
        |home: &str, issuer: &str, san: &str| run(&["init", "--home", home, "--issuer", issuer, "--server-san", san]);
    let path = home.path.to_str().unwrap();
    let output = again(path, "https://auth.example", "localhost");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing was changed"), "{}", stderr(&output));
    assert_eq!(std::fs::read(home.file("root.key")).unwrap(), before);

    let directory = tempfile::tempdir().unwrap();
    let fresh = directory.path().join("fresh");
    for (issuer, san) in [
        ("http://auth.example", "localhost"),
        ("https://a?b", "localhost"),
        ("https://a.example", "bad name!"),
    ] {
        let output = again(fresh.to_str().unwrap(), issuer, san);
        assert_eq!(output.status.code(), Some(1), "{issuer} {san}");
        assert!(
            !fresh.exists() || std::fs::read_dir(&fresh).unwrap().count() == 0,
            "{issuer} {san}"
        );
    }
    let loose = directory.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        again(loose.to_str().unwrap(), "https://a.example", "localhost")
            .status
            .code(),
        Some(1)
    );
    assert_eq!(std::fs::read_dir(&loose).unwrap().count(), 0);
}

#[test]
fn a_folder_that_only_looks_interrupted_is_left_alone() {
    for text in ["", "mine\n"] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(directory.path().join(".authsvc-incomplete"), text).unwrap();
        std::fs::write(directory.path().join("thesis.txt"), "mine").unwrap();
        let output = run(&["dev", "--home", directory.path().to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            std::fs::read_to_string(directory.path().join("thesis.txt")).unwrap(),
            "mine"
        );
    }
}

#[test]
fn a_port_that_cannot_be_had_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let before = dev.description.clone();
    // Drawn while it runs: its own ports are not to be had.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(dev.stop().0.success());
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = run(&["dev", "--home", home.to_str().unwrap(), "--public-port", &port]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    std::fs::remove_file(home.join("dev.json")).unwrap();
    let dev = Dev::start(&home);
    assert_eq!(dev.text("public_url"), before["public_url"]);
    assert!(dev.stop().0.success());
}

#[test]
fn dev_refuses_a_folder_that_holds_something_else() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(directory.path().join("thesis.txt"), "mine").unwrap();
    let output = run(&["dev", "--home", directory.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("thesis.txt"), "{}", stderr(&output));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_home_whose_making_was_killed_is_made_again_from_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    // At whatever moment the kill arrives: before the first file, between any two, after the last.
    for round in 0..12 {
        let mut child = std::process::Command::new(binary())
            .args([
                "dev",
                "--json",
                "--public-port",
                "0",
                "--internal-port",
                "0",
                "--ops-port",
                "0",
                "--home",
            ])
            .arg(&home)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(4 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let complete = home.join("authsvc.toml").exists();
        let dev = Dev::start(&home);
        assert_eq!(dev.description["password"].is_null(), complete, "round {round}");
        assert!(dev.stop().0.success());
        assert!(!home.join(".authsvc-incomplete").exists() || complete, "round {round}");
        std::fs::remove_dir_all(&home).unwrap();
    }
}

#[test]
fn of_two_processes_that_make_one_home_one_wins_and_the_home_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let init = || {
        std::process::Command::new(binary())
            .args([
                "init",
                "--issuer",
                "https://auth.example",
                "--server-san",
                "localhost",
                "--home",
            ])
            .arg(&home)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [init(), init(), init(), init()];
    let outputs = children.map(|child| child.wait_with_output().unwrap());
    let won = outputs.iter().filter(|output| output.status.success()).count();
    assert_eq!(won, 1, "{}", outputs.iter().map(stderr).collect::<String>());
    let config = home.join("authsvc.toml");
    let listed = run(&["user", "list", "--config", config.to_str().unwrap()]);
    assert!(listed.status.success(), "{}", stderr(&listed));
}

#[test]
fn the_ports_of_a_home_can_be_changed_and_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let dev = Dev::start(&home);
    let before = dev.description.clone();
    assert!(dev.stop().0.success());
    let dev = Dev::start_with(&home, &[]);
    // Drawn while it runs: its own ports are not to be had.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(dev.stop().0.success());
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let free = port;

    let stderr_file = directory.path().join("err");
    let killed = || {
        let mut child = std::process::Command::new(binary())
            .args(["dev", "--json", "--ops-port", &free, "--home"])
            .arg(&home)
            .stdout(std::process::Stdio::piped())
            .stderr(std::fs::File::create(&stderr_file).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        line
    };
    let line = once_its_ports_are_free(|| {
        let line = killed();
        let log = std::fs::read_to_string(&stderr_file).unwrap();
        if line.is_empty() { Err(log) } else { Ok(line) }
    });
    let described: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(described["ops_url"], format!("http://127.0.0.1:{free}"));
    assert_eq!(described["public_url"], before["public_url"]);
    let dev = Dev::start(&home);
    assert_eq!(
        dev.text("ops_url"),
        format!("http://127.0.0.1:{free}"),
        "kept, and a kill lost nothing"
    );
    assert!(dev.stop().0.success());
}
