// Command writer writes numbered audit events through lumberjack, the library with which kube-apiserver writes its
// audit log: the same library at the same version, one write a line, as the server does it.
//
// It prints the last number that it wrote.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// The time format of metav1.MicroTime, which audit events use.
const microTime = "2006-01-02T15:04:05.000000Z07:00"

const event = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",` +
	`"auditID":"00000000-0000-4000-8000-%012[1]d","stage":"ResponseComplete",` +
	`"requestURI":"/api/v1/namespaces/default/configmaps/n-%09[1]d","verb":"get",` +
	`"user":{"username":"kubernetes-admin","groups":["kubeadm:cluster-admins","system:authenticated"]},` +
	`"sourceIPs":["127.0.0.1"],"userAgent":"%[2]s","objectRef":{"resource":"configmaps","namespace":"default",` +
	`"name":"n-%09[1]d","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},` +
	`"requestReceivedTimestamp":"%[3]s","stageTimestamp":"%[3]s",` +
	`"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}` + "\n"

type options struct {
	path       string
	maxSize    int
	maxBackups int
	maxAge     int
	compress   bool

	first    uint64
	lines    uint64
	duration time.Duration
	rate     float64
	pad      int

	stopFile string
	paceFile string
	ahead    uint64
}

func parse() options {
	var o options
	flag.StringVar(&o.path, "path", "", "the log (needed)")
	flag.IntVar(&o.maxSize, "maxsize", 1, "size at which the log is rotated, in MiB")
	flag.IntVar(&o.maxBackups, "maxbackups", 0, "rotated files that are kept; 0 for all")
	flag.IntVar(&o.maxAge, "maxage", 0, "days that rotated files are kept; 0 for ever")
	flag.BoolVar(&o.compress, "compress", false, "gzip rotated files")
	flag.Uint64Var(&o.first, "first", 1, "number of the first line")
	flag.Uint64Var(&o.lines, "lines", 0, "lines to write; 0 for no limit")
	flag.DurationVar(&o.duration, "duration", 0, "time to write; 0 for no limit")
	flag.Float64Var(&o.rate, "rate", 0, "lines a second; 0 for as fast as it goes")
	flag.IntVar(&o.pad, "pad", 0, "bytes of a line, with its end; a line is never shorter than its fields")
	flag.StringVar(&o.stopFile, "stop-file", "", "stop when this file is there")
	flag.StringVar(&o.paceFile, "pace-file", "", "file in which the reader keeps the number that it has committed")
	flag.Uint64Var(&o.ahead, "ahead", 4000, "with -pace-file: most lines ahead of the reader")
	flag.Parse()
	return o
}

// writer knows when to go on with the next line.
type writer struct {
	options
	start time.Time
	read  uint64 // what the reader is known to have committed
}

func main() {
	w := writer{options: parse(), start: time.Now()}
	if w.path == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	last, err := w.run()
	fmt.Println(last)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (w *writer) run() (uint64, error) {
	// The fields that kube-apiserver sets.
	log := &lumberjack.Logger{
		Filename: w.path, MaxSize: w.maxSize, MaxBackups: w.maxBackups, MaxAge: w.maxAge, Compress: w.compress,
	}
	defer log.Close()
	w.read = w.first - 1
	agent := w.agent()
	last := w.first - 1
	for w.mayWrite(last + 1) {
		now := time.Now().UTC().Format(microTime)
		if _, err := log.Write(fmt.Appendf(nil, event, last+1, agent, now)); err != nil {
			return last, err
		}
		last++
	}
	return last, nil
}

// agent makes the client's name as long as the asked length of a line needs it.
func (w *writer) agent() string {
	const name = "writer/v1"
	now := w.start.UTC().Format(microTime)
	missing := w.pad - len(fmt.Sprintf(event, w.first, name, now))
	return name + strings.Repeat("x", max(missing, 0))
}

// mayWrite waits until the line is due, and says whether it is to be written at all.
func (w *writer) mayWrite(line uint64) bool {
	for {
		written := line - w.first
		if w.lines > 0 && written >= w.lines || w.duration > 0 && time.Since(w.start) >= w.duration {
			return false
		}
		// A stat for every line would be most of the work.
		if w.stopFile != "" && (written%64 == 0 || w.waits(line)) && exists(w.stopFile) {
			return false
		}
		if !w.waits(line) {
			return true
		}
		time.Sleep(time.Millisecond)
	}
}

// waits says whether the line is not due yet: too far ahead of the reader, or too early for the rate.
func (w *writer) waits(line uint64) bool {
	if w.paceFile != "" && line > w.read+w.ahead {
		w.read = max(w.read, w.committed())
		if line > w.read+w.ahead {
			return true
		}
	}
	return w.rate > 0 && time.Since(w.start).Seconds() < float64(line-w.first)/w.rate
}

// committed is what the reader says; a file that is not there yet says nothing.
func (w *writer) committed() uint64 {
	text, err := os.ReadFile(w.paceFile)
	if err != nil {
		return 0
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
