//! Ways to open a file that rules must see through, and what each is seen as: neither missed nor told twice.

use crate::support::{alert_lines, alerts, assert_books, is_root, run, scratch, stats, stderr};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A way to open the secret.
struct Trick {
    name: &'static str,
    needs_root: bool,
    /// For `sh -ec`, with `$D` the folder, `$S` the secret in it. A trailing `true` keeps shells from becoming the program.
    script: &'static str,
    /// Per alert: `evt.type proc.name proc.pname`, and the program that is really run.
    alerts: &'static [(&'static str, &'static str)],
}

const CAT: (&str, &str) = ("openat cat sh", "cat");
const PERL: (&str, &str) = ("openat perl sh", "perl");

const fn trick(name: &'static str, script: &'static str, alerts: &'static [(&'static str, &'static str)]) -> Trick {
    Trick { name, needs_root: false, script, alerts }
}

const fn root(name: &'static str, script: &'static str, alerts: &'static [(&'static str, &'static str)]) -> Trick {
    Trick { name, needs_root: true, script, alerts }
}

const TRICKS: &[Trick] = &[
    trick(
        "a chain of links",
        "ln -s $D $D/a; ln -s a/../${D##*/}/secret $D/b; ln -s b $D/c; cat $D/c; cat $D/a/secret; true",
        &[CAT, CAT],
    ),
    trick("a path upwards", "mkdir $D/sub; cd $D/sub; cat ../secret; true", &[CAT]),
    trick("a redirection", "true <$S", &[("openat sh saker", "sh")]),
    trick("the own root", "cat /proc/self/root$S; true", &[CAT]),
    trick("the own folder", "cd $D; cat /proc/self/cwd/secret; true", &[CAT]),
    trick("dd", "dd if=$S of=/dev/null; true", &[("openat dd sh", "dd")]),
    trick("slashes and dots", r#"perl -e 'open F, "<", $ARGV[0] . "/./" x 900 . "secret" or die' $D; true"#, &[PERL]),
    trick("for writing too", r#"perl -e 'open F, "+<", @ARGV or die' $S; true"#, &[PERL]),
    trick("a bad pointer first", r#"perl -e 'syscall 257, -100, 8, 0; open F, "<", @ARGV or die' $S; true"#, &[PERL]),
    trick(
        "openat2",
        r#"perl -e 'my $how = pack "Q3", 0, 0, 0; syscall(437, -100, $ARGV[0], $how, 24) >= 0 or die' $S; true"#,
        &[("openat2 perl sh", "perl")],
    ),
    trick(
        "a path descriptor, opened again", // O_PATH
        r#"perl -e 'sysopen F, $ARGV[0], 010000000 or die; open G, "<", "/proc/self/fd/" . fileno F or die' $S; true"#,
        &[PERL, PERL],
    ),
    trick(
        "another name of its own",
        r#"perl -e '$0 = "sshd"; open F, "<", @ARGV or die' $S; true"#,
        &[("openat sshd sh", "perl")],
    ),
    trick(
        "a child",
        r#"perl -e 'if (!fork) { open F, "<", @ARGV or die; exit } wait; exit $?' $S; true"#,
        &[("openat perl perl", "perl")],
    ),
    trick(
        "a daemon",
        r#"perl -MPOSIX -e 'exit if fork; setsid; exit if fork;
            open F, "<", @ARGV or die' $S; true"#,
        &[("openat perl *", "perl")],
    ),
    trick(
        // The child goes on once its maker told of it: until then its program is not known.
        "a sibling of its maker",
        r#"perl -e 'pipe R, W; if (!syscall 56, 0x8011, 0, 0, 0, 0) { close W; <R>; open F, "<", @ARGV or die; open F, ">", "$ARGV[0].read"; exit }' $S
            until test -e $S.read; do sleep 0.02; done"#,
        &[("openat perl sh", "perl")],
    ),
    trick(
        "a program by descriptor",
        r#"perl -e '$^F = 9; open F, "<", "/bin/cat"; exec { "/proc/self/fd/" . fileno F } "x", @ARGV' $S; true"#,
        &[("openat 3 sh", "cat")],
    ),
    trick(
        "a program that is gone",
        "cp /bin/cat $D/gone; exec 9<$D/gone; rm $D/gone; /proc/self/fd/9 $S; true",
        &[("openat 9 sh", "$D/gone")],
    ),
    trick(
        "a script",
        r#"printf '#!/usr/bin/perl\nopen F, "<", @ARGV or die' >$D/job; chmod 755 $D/job; $D/job $S; true"#,
        &[("openat job sh", "perl")],
    ),
    // Not seen through, and said so: rules about names look at the name that was opened.
    trick("another hard link", "ln $S $D/hard; cat $D/hard; true", &[]),
    trick("a file that is not there", "! cat $S.not", &[]),
    root("a change of root", "chroot / cat $S; true", &[CAT]),
    root("a mount namespace", "unshare -m cat $S; true", &[CAT]),
    root("a PID namespace", "unshare -pf cat $S; true", &[("openat cat unshare", "cat")]),
    root("a user namespace", "unshare -Ur cat $S; true", &[CAT]),
];

struct Stage {
    dir: TempDir,
    rule: PathBuf,
}

impl Stage {
    fn new(rule: &str) -> Self {
        let dir = scratch();
        let text = rule.replace("$D", &dir.path().display().to_string());
        let rule = dir.path().join("rule.yaml");
        std::fs::write(&rule, text).unwrap();
        std::fs::write(dir.path().join("secret"), "secret\n").unwrap();
        Self { dir, rule }
    }

    /// Runs the script, compares live run and replay, and returns the messages of the alerts.
    fn watch(&self, name: &str, script: &str) -> Vec<String> {
        let dir = self.dir.path().display().to_string();
        let (rule, file) = (self.rule.display().to_string(), self.dir.path().join("run.skr").display().to_string());
        let script = format!("D={dir} S={dir}/secret; {script}");
        let live = run(["run", "--json", "--stats", "-r", &rule, "-o", &file, "--", "sh", "-ec", &script]);
        assert_eq!(live.status.code(), Some(0), "{name}: {}", stderr(&live));
        assert_books(&stats(&live));
        let replay = run(["replay", "--json", "-r", &rule, &file]);
        assert_eq!(alert_lines(&live), alert_lines(&replay), "{name}");
        std::fs::remove_file(&file).unwrap();
        let message = |alert: &serde_json::Value| {
            let output = alert["output"].as_str().unwrap();
            output.split_once('|').unwrap().1.split('|').next().unwrap().to_owned()
        };
        alerts(&live).iter().map(message).collect()
    }
}

fn program(name: &str, dir: &Path) -> String {
    if let Some(own) = name.strip_prefix("$D/") {
        return dir.join(own).display().to_string();
    }
    let places = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
    places.iter().find_map(|path| path.canonicalize().ok()).unwrap().display().to_string()
}

#[test]
fn every_trick_to_read_a_file_is_seen_for_what_it_is() {
    let root = is_root();
    for trick in TRICKS.iter().filter(|trick| root || !trick.needs_root) {
        let stage = Stage::new(
            "- rule: secret\n  desc: x\n  condition: evt.type in (open, openat, openat2) and fd.num >= 0 and fd.name = $D/secret\n  output: \"|%evt.type %proc.name %proc.pname %proc.exepath|\"\n  priority: INFO\n",
        );
        let found = stage.watch(trick.name, trick.script);
        assert_eq!(found.len(), trick.alerts.len(), "{}: {found:?}", trick.name);
        for (found, (who, exe)) in found.iter().zip(trick.alerts) {
            let (found_who, found_exe) = found.rsplit_once(' ').unwrap();
            assert_eq!(found_exe, program(exe, stage.dir.path()), "{}: {found}", trick.name);
            match who.strip_suffix('*') {
                Some(start) => assert!(found_who.starts_with(start), "{}: {found}", trick.name),
                None => assert_eq!(found_who, *who, "{}: {found}", trick.name),
            }
        }
    }
}

/// A connection that is refused or not made yet has no peer that the socket tells.
#[test]
fn a_connection_that_is_not_made_names_its_server() {
    let stage = Stage::new(
        "- rule: connect\n  desc: x\n  condition: evt.type = connect and fd.typechar in (4, 6) and evt.failed = true\n  output: \"|%fd.sip %fd.sport %fd.name_changed|\"\n  priority: INFO\n",
    );
    let refused = r#"perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) or die; bind(S, sockaddr_in(0, INADDR_LOOPBACK)) or die;
        my ($port) = sockaddr_in(getsockname S); close S;
        socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in($port, INADDR_LOOPBACK)) and die; print STDERR "port $port\n"' 2>$D/port; true"#;
    let found = stage.watch("refused", refused);
    let port = std::fs::read_to_string(stage.dir.path().join("port")).unwrap();
    assert_eq!(found, [format!("127.0.0.1 {} true", port.trim().strip_prefix("port ").unwrap())]);

    // Pending where there is a way to that network, else unreachable.
    let pending = r#"perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM | 2048, 0) or die;
        connect(S, sockaddr_in(443, inet_aton("192.0.2.1"))) and die'; true"#;
    assert_eq!(stage.watch("pending", pending), ["192.0.2.1 443 true"]);
}
