package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What DoLacking can keep from a kernel beside names, which go before a zero byte: the
// expression ct of nftables, as the whole attribute that names it, and writes to a
// packet, as the register that one takes its value from and what follows (linux
// include/uapi/linux/netfilter/nf_tables.h, nft_expr_attributes, nft_payload_attributes).
const (
	Conntrack     = "\x07\x00\x01\x00ct"
	PayloadWrites = "\x08\x00\x05\x00\x00\x00\x00\x01\x08\x00\x02\x00"
)

// DoLacking runs the command in the host under a kernel that seems to lack an
// expression of nftables and a match of iptables-legacy: whatever names one of them
// to the kernel, as the name of an attribute or of a match, is answered by ENOENT,
// as where its module is not there.
func (h *Host) DoLacking(command *exec.Cmd, names ...string) error {
	return h.Do(0, func() error {
		listener, err := askBefore()
		if err != nil {
			return fmt.Errorf("filtering system calls: %w", err)
		}
		done := make(chan struct{})
		defer close(done)
		go answer(listener, names, done)
		return command.Run()
	})
}

// Calls by which a program names an expression or a match, and which argument
// points to it: a struct msghdr, or the option of a socket.
var calls = map[uint32]int{unix.SYS_SENDMSG: 1, unix.SYS_SETSOCKOPT: 3, unix.SYS_GETSOCKOPT: 3}

// askBefore makes the kernel ask us before it executes one of the calls, for the
// calling thread and what it starts (seccomp_unotify(2)).
func askBefore() (listener int, err error) {
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the call's number
	for call := range calls {
		program = append(program,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	program = append(program, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}

// struct seccomp_notif and struct seccomp_notif_resp (linux
// include/uapi/linux/seccomp.h).
type notice struct {
	id         uint64
	pid, flags uint32
	call       uint32
	arch       uint32
	at         uint64
	arguments  [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// answer lets all calls pass but those that give a name away, until nobody calls any
// more.
func answer(listener int, names []string, done <-chan struct{}) {
	defer func() { _ = unix.Close(listener) }()
	for {
		select {
		case <-done:
			return
		default:
		}
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(ready, 20); n == 0 || err != nil {
			continue
		}
		var asked notice
		if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&asked)); err != nil {
			continue // who asked may be gone
		}
		said := response{id: asked.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if named(asked, names) {
			said.flags, said.errno = 0, -int32(unix.ENOENT)
		}
		_ = control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&said)) // it may be gone
	}
}

func control(fd int, request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// named reports whether what the call hands to the kernel holds one of the names.
func named(asked notice, names []string) bool {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", asked.pid))
	if err != nil {
		return false
	}
	defer func() { _ = memory.Close() }()
	read := func(at, size uint64) []byte {
		bytes := make([]byte, min(size, 1<<20))
		n, _ := memory.ReadAt(bytes, int64(at))
		return bytes[:n]
	}
	var text []byte
	pointer := asked.arguments[calls[asked.call]]
	if asked.call == unix.SYS_SENDMSG {
		header := read(pointer, 56)
		if len(header) < 32 {
			return false
		}
		vectors, count := binary.NativeEndian.Uint64(header[16:]), binary.NativeEndian.Uint64(header[24:])
		for list := read(vectors, 16*min(count, 1024)); len(list) >= 16; list = list[16:] {
			text = append(text, read(binary.NativeEndian.Uint64(list), binary.NativeEndian.Uint64(list[8:]))...)
		}
	} else {
		size := asked.arguments[4]
		if asked.call == unix.SYS_GETSOCKOPT {
			size = 64 // of a struct xt_get_revision
		}
		text = read(pointer, size)
	}
	for _, name := range names {
		if bytes.Contains(text, []byte(name+"\x00")) {
			return true
		}
	}
	return false
}
