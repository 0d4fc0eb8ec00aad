//! Live detection through the trace source.

use crate::support::{alerts, assert_books, is_root, rules_of, run, saker, scratch, shared, stats, stderr, trigger};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const SENSITIVE: &str = "Read sensitive file untrusted";

/// Watches a command with the peer's rule file and asserts the one alert about `/etc/shadow`.
fn assert_shadow_alert(command: &[&str]) {
    let Some(rules) = shared("reference/rules/falco_rules.yaml") else { return };
    if !is_root() {
        return;
    }
    let rules = rules.display().to_string();
    let mut args = vec!["run", "--json", "--stats", "-r", &rules, "--"];
    args.extend(command);
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let alerts = alerts(&output);
    assert_eq!(rules_of(&alerts), [SENSITIVE], "{command:?}: {}", stderr(&output));
    assert_eq!(alerts[0]["output_fields"]["fd.name"], "/etc/shadow", "{command:?}");
    assert!(assert_books(&stats(&output)) > 0);
}

#[test]
fn shadow_read_directly() {
    assert_shadow_alert(&["cat", "/etc/shadow"]);
}

#[test]
fn shadow_read_through_a_symlink() {
    let dir = scratch();
    let link = dir.path().join("link");
    symlink("/etc/shadow", &link).unwrap();
    assert_shadow_alert(&["cat", link.to_str().unwrap()]);
}

#[test]
fn shadow_read_by_a_relative_path() {
    assert_shadow_alert(&[trigger().to_str().unwrap(), "relative", "/etc", "shadow"]);
}

#[test]
fn shadow_read_by_openat_with_a_dirfd() {
    assert_shadow_alert(&[trigger().to_str().unwrap(), "openat-dirfd", "/etc", "shadow"]);
}

#[test]
fn shadow_read_from_a_second_thread() {
    assert_shadow_alert(&[trigger().to_str().unwrap(), "second-thread", "/etc/shadow"]);
}

#[test]
fn an_alert_has_the_keys_that_tools_for_falco_read() {
    let Some(rules) = shared("reference/rules/falco_rules.yaml") else { return };
    if !is_root() {
        return;
    }
    let output = run(["run", "--json", "-r", rules.to_str().unwrap(), "--", "cat", "/etc/shadow"]);
    let alert = alerts(&output).remove(0);
    let keys: Vec<_> = alert.as_object().unwrap().keys().cloned().collect();
    for key in ["time", "rule", "priority", "source", "hostname", "tags", "output", "output_fields"] {
        assert!(keys.iter().any(|k| k == key), "no `{key}` in {keys:?}");
    }
    assert_eq!((alert["priority"].as_str(), alert["source"].as_str()), (Some("Warning"), Some("syscall")));
    let fields = &alert["output_fields"];
    assert_eq!(fields["proc.name"], "cat");
    assert_eq!(fields["proc.cmdline"], "cat /etc/shadow");
    assert_eq!(fields["evt.type"], "openat");
    assert_eq!(fields["user.uid"], 0);
    assert!(fields["evt.time"].as_u64().is_some(), "{fields}");
    assert!(alert["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn text_alerts_are_lines_with_time_and_priority() {
    if !is_root() {
        return;
    }
    let output = run(["run", "--", "cat", "/etc/shadow"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("/etc/shadow")).unwrap_or_else(|| panic!("no alert in {text}"));
    let (time, rest) = line.split_once(": ").unwrap();
    assert_eq!((time.len(), &time[2..3], &time[8..9]), (18, ":", "."), "{line}");
    assert!(["Warning ", "Error ", "Critical ", "Notice "].iter().any(|p| rest.starts_with(p)), "{line}");
    assert!(!line.contains('\x1b'), "colour in a pipe: {line}");
}

#[test]
fn the_exit_status_is_the_command_s() {
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + 15), ("kill -KILL $$", 128 + 9)] {
        let output = run(["run", "--", "sh", "-c", script]);
        assert_eq!(output.status.code(), Some(status), "{script}: {}", stderr(&output));
    }
}

#[test]
fn standard_input_reaches_the_command() {
    let mut child = saker(["run", "--", "tr", "a-z", "A-Z"]);
    let input = std::fs::File::open("/proc/version").unwrap();
    let output = child.stdin(input).output().unwrap();
    let expected = std::fs::read_to_string("/proc/version").unwrap().to_uppercase();
    assert!(String::from_utf8_lossy(&output.stdout).contains(expected.trim()), "{output:?}");
}

#[test]
fn sixty_four_threads_lose_nothing() {
    let dir = scratch();
    let file = dir.path().join("secret");
    std::fs::write(&file, "x").unwrap();
    let rule = rule_about_opening(dir.path(), &file);
    let trigger = trigger().display().to_string();
    let args = ["run", "--json", "--stats", "-r", &rule, "--", &trigger, "threads", "64", file.to_str().unwrap()];
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(alerts(&output).len(), 64);
    assert_books(&stats(&output));
}

#[test]
fn ten_thousand_forks_lose_and_leak_nothing() {
    let dir = scratch();
    let script = dir.path().join("forks.sh");
    // A subshell is a fork without an exec.
    std::fs::write(&script, "i=0\nwhile [ $i -lt 10000 ]; do ( : ); i=$((i+1)); done\n").unwrap();
    let rule = dir.path().join("rule.yaml");
    let text = "- rule: child\n  desc: x\n  condition: evt.type = procexit and proc.name = sh\n  output: x\n  priority: INFO\n";
    std::fs::write(&rule, text).unwrap();
    let output = run(["run", "--json", "--stats", "-r", rule.to_str().unwrap(), "--", "sh", script.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(alerts(&output).len(), 10_001, "one exit for each child and one for the shell");
    let stats = stats(&output);
    assert_books(&stats);
    let threads = stats["state"]["threads"].as_u64().unwrap();
    assert!(threads < 100, "{threads} threads left in the table");
}

#[test]
fn an_attached_process_is_watched_and_left_running() {
    let dir = scratch();
    let file = dir.path().join("secret");
    std::fs::write(&file, "x").unwrap();
    let rule = rule_about_opening(dir.path(), &file);
    let script =
        format!("while [ ! -e {0}/stop ]; do cat {0}/secret >/dev/null; sleep 0.05; done", dir.path().display());
    let mut target = Command::new("sh").args(["-c", &script]).spawn().unwrap();
    let pid = target.id().to_string();
    let watch =
        format!("{} run --json -r {rule} --pid {pid} & sleep 2; kill -INT $!; wait $!", env!("CARGO_BIN_EXE_saker"));
    let output = Command::new("bash").args(["-c", &format!("set -m; {watch}")]).output().unwrap();
    let still_running = target.try_wait().unwrap().is_none();
    std::fs::write(dir.path().join("stop"), "").unwrap();
    let ended = target.wait().unwrap();
    assert!(still_running, "the target died with the watcher: {}", stderr(&output));
    assert!(ended.success());
    assert!(!alerts(&output).is_empty(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("each of its system calls"),
        "says that it stops at all calls: {}",
        stderr(&output)
    );
}

#[test]
fn the_tree_ends_when_saker_is_killed() {
    let dir = scratch();
    let pid_file = dir.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 1000", pid_file.display());
    let mut watcher = saker(["run", "--", "sh", "-c", &script]).spawn().unwrap();
    let pid = wait_for(|| std::fs::read_to_string(&pid_file).ok().filter(|text| text.ends_with('\n')));
    watcher.kill().unwrap();
    watcher.wait().unwrap();
    let proc_dir = format!("/proc/{}", pid.trim());
    wait_for(|| (!Path::new(&proc_dir).exists() || is_zombie(&proc_dir)).then_some(()));
}

fn is_zombie(proc_dir: &str) -> bool {
    std::fs::read_to_string(format!("{proc_dir}/stat")).is_ok_and(|stat| stat.contains(") Z "))
}

/// Polls until there is an answer; gives up, loudly, after a minute.
fn wait_for<T>(mut answer: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1200 {
        if let Some(answer) = answer() {
            return answer;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no answer within a minute");
}

fn rule_about_opening(dir: &Path, file: &Path) -> String {
    let rule = dir.join("rule.yaml");
    let text = format!(
        "- rule: secret\n  desc: x\n  condition: evt.type in (open, openat, openat2) and fd.num >= 0 and fd.name = {}\n  output: read %fd.name\n  priority: INFO\n",
        file.display()
    );
    std::fs::write(&rule, text).unwrap();
    rule.display().to_string()
}

#[test]
fn the_default_rules_are_quiet_on_an_ordinary_command() {
    let output = run(["run", "--json", "--", "ls", "-l", "/"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(alerts(&output), Vec::<Value>::new());
}

#[test]
fn links_neither_hide_a_file_nor_excuse_it() {
    let dir = scratch();
    let top = dir.path().canonicalize().unwrap();
    for folder in ["good", "bad"] {
        std::fs::create_dir(top.join(folder)).unwrap();
        std::fs::write(top.join(folder).join("file"), "x\n").unwrap();
    }
    // A link in the good folder to a bad file, and one in the bad folder to a good file.
    symlink(top.join("bad/file"), top.join("good/to-bad")).unwrap();
    symlink(top.join("good/file"), top.join("bad/to-good")).unwrap();
    let rule = |name: &str, condition: &str| {
        let condition = condition.replace("TOP", top.to_str().unwrap());
        let ours = format!("evt.type in (open, openat) and fd.name startswith {}/", top.display());
        format!("- rule: {name}\n  desc: x\n  condition: {ours} and {condition}\n  output: x\n  priority: INFO\n")
    };
    let rules = top.join("rules.yaml");
    let text = [
        rule("bad", "fd.name startswith TOP/bad/"),
        rule("twice negated", "not (not fd.name startswith TOP/bad/)"),
        rule("not good", "not fd.name startswith TOP/good/"),
        rule("not this", "fd.name != TOP/good/to-bad"),
    ];
    std::fs::write(&rules, text.concat()).unwrap();
    for (file, expected) in [
        ("good/file", &["not this"][..]),
        ("bad/file", &["bad", "twice negated", "not good", "not this"]),
        ("good/to-bad", &["bad", "twice negated", "not good", "not this"]),
        ("bad/to-good", &["bad", "twice negated", "not this"]),
    ] {
        let file = top.join(file);
        let output = run(["run", "--json", "-r", rules.to_str().unwrap(), "--", "cat", file.to_str().unwrap()]);
        assert_eq!(rules_of(&alerts(&output)), expected, "{}: {}", file.display(), stderr(&output));
    }
}

#[test]
fn stats_count_the_matches_of_each_rule() {
    let dir = scratch();
    let rules = dir.path().join("r.yaml");
    let rule = |name: &str, program: &str| {
        format!(
            "- rule: {name}\n  desc: x\n  condition: evt.type = execve and proc.name = {program}\n  output: x\n  priority: INFO\n"
        )
    };
    std::fs::write(&rules, rule("one", "true") + &rule("none", "no-such-program")).unwrap();
    let script = "true; /bin/true; /usr/bin/env true; exit 0";
    let output = run(["run", "--json", "--stats", "-r", rules.to_str().unwrap(), "--", "sh", "-c", script]);
    let counts = &stats(&output)["engine"];
    assert_eq!(counts["rules"], serde_json::json!({ "one": 2 }), "{}", stderr(&output));
    assert_eq!((counts["matches"].as_u64(), alerts(&output).len()), (Some(2), 2));
}

#[test]
fn times_are_those_of_the_zone_that_the_environment_names() {
    if !Path::new("/usr/share/zoneinfo/Asia/Kathmandu").exists() {
        eprintln!("skipped: no time zone files here");
        return;
    }
    let dir = scratch();
    let rules = dir.path().join("zone.yaml");
    let capture = dir.path().join("zone.skr");
    let rule =
        "- rule: x\n  desc: x\n  condition: evt.type = execve\n  output: \"%evt.time.iso8601\"\n  priority: INFO\n";
    std::fs::write(&rules, rule).unwrap();
    for (zone, ahead_s) in [("UTC", 0), ("Asia/Kathmandu", 20_700), ("XYZ+3:30", -12_600)] {
        let rules = rules.to_str().unwrap();
        let output = saker(["run", "-r", rules, "-o", capture.to_str().unwrap(), "--", "true"])
            .env("TZ", zone)
            .output()
            .unwrap();
        let line = String::from_utf8(output.stdout.clone()).unwrap();
        // `HH:MM:SS.nnnnnnnnn: Informational YYYY-MM-DDTHH:MM:SS...`
        let seconds = |text: &str| -> i64 {
            text.split(':').zip([3600, 60, 1]).map(|(part, unit)| part.parse::<i64>().unwrap() * unit).sum()
        };
        let utc = line.split_once('T').unwrap().1;
        let ahead = seconds(&line[..8]) - seconds(&utc[..8]);
        assert_eq!(ahead.rem_euclid(86_400), i64::rem_euclid(ahead_s, 86_400), "{zone}: {line}");
        let replay = saker(["replay", "-r", rules, capture.to_str().unwrap()]).env("TZ", "UTC").output().unwrap();
        assert_eq!(replay.stdout, output.stdout, "{zone}: a replay has the zone of the watched host");
    }
}
