"""Words that mean the same to people who run machines, where general word vectors do not know it.

A model trained on general text puts `disk` far from `nvme` and `crash` far from `segfault`. Each line below is a set
of words that an operator would accept for one another in a question. The lists come from the trade's vocabulary and
name no product that could not be replaced by another of its kind; a new line needs to make sense for every fleet.
"""

from __future__ import annotations

COSINE = 0.4  # what the vectors give to related words that they do know: disk and filesystem 0.49, and partition 0.38

_KIN = """
disk disks drive drives hdd ssd nvme sda sdb ata scsi smart smartd block volume raid device devices sector sectors
filesystem filesystems fs ext4 xfs btrfs zfs mount mounted unmount partition inode inodes fsck
full space nospace enospc quota exhausted
memory ram oom swap heap allocate allocation
crash crashed crashes segfault segmentation sigsegv core dumped coredump panic abort aborted abend trap oops
die dies dying died dead fail fails failed failing failure failures fault faulty broken error errors err bad
corrupt corrupted corruption unreadable uncorrectable damaged damage broken bad fail failing failed dying dead
kill killed killing sigkill sigterm terminated
login logins logon signin sign logged auth authentication authenticate authenticated credential credentials password pam
wrong invalid incorrect bad mismatch illegal malformed
deny denied refuse refused reject rejected forbidden block blocked disallowed unauthorized drop dropped ban banned
slow slowness timeout timed timeouts latency delay delayed hung hang stall stalled lag overloaded
network networking nic eth0 ethernet interface link carrier wlan wifi
down offline unreachable disconnected unavailable lost disappeared gone closed reset
start started starting starts boot booted booting launch launched startup initialized up
stop stopped stopping stops shutdown exit exited exiting halt halted terminate terminating
restart restarted restarting reboot rebooted reload reloaded respawn
certificate certificates cert certs tls ssl x509 pem acme
expire expired expires expiry expiring outdated
dns resolve resolved resolver resolving nameserver named hostname lookup nxdomain
mail mails email emails smtp imap pop3 mailbox message recipient sender
spam junk blacklisted blocklist rbl unsolicited
user users account accounts username uid login
attack attacks attacker exploit intrusion hacker hacking malicious probe probing scan scanner bruteforce suspicious
virus viruses malware infected trojan infection
firewall iptables nftables ufw pf filterlog netfilter
time clock ntp ntpd chrony chronyd timesyncd
job jobs cron crond scheduled schedule task tasks timer
container containers docker podman pod pods kubelet
vm vms virtual machine machines instance instances guest qemu kvm hypervisor
database databases db sql mysql mariadb postgres postgresql mongodb
backup backups snapshot snapshots restore restored archive
hot heat overheating temperature thermal celsius throttled throttling fan
power battery ups voltage
permission permissions privilege privileges access allowed eacces
update updates updated upgrade upgraded install installed package packages apt dpkg
delete deleted deleting deletion remove removed removing erase destroyed
copy copied replicate replication transfer transferred sync synced synchronize synchronized
leader election elected primary master quorum
web website http https httpd nginx apache url page
root sudo su superuser admin administrator
cpu processor load core cores
vpn wireguard openvpn ipsec tunnel peer
unknown nonexistent unrecognized missing absent
many repeated flood excess exceeded limit limiting ratelimit
new created create creating added registered
open opened opening established accepted
"""


def _neighbours() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _KIN.split("\n"):
        group = frozenset(line.split())
        for word in group:
            found[word] = found.get(word, frozenset()) | group
    return found


_NEIGHBOURS = _neighbours()


def kin(word: str) -> frozenset[str]:
    """The words that stand for `word` among operators, itself among them; empty if there are none."""
    return _NEIGHBOURS.get(word, frozenset())
