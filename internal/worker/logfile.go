package worker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/windhover-io/windhover/internal/model"
)

// logFile is the log of an attempt whose task keeps it as a file (logToFile): lines go there and not to the log of the
// execution, so that a task may log very much.
type logFile struct {
	file *os.File
	out  *bufio.Writer
	name string // whom the lines are of
	err  error  // the first that occurred; what follows is lost
}

// newLogFile opens a file in the directory for temporary ones.
func newLogFile(dir string, t *model.TaskRun) *logFile {
	l := &logFile{name: fmt.Sprintf("flow.%s.%s.%s.%s", t.Tenant, t.Namespace, t.FlowID, t.TaskID)}
	if l.err = os.MkdirAll(dir, 0o700); l.err != nil {
		return l
	}
	if l.file, l.err = os.CreateTemp(dir, "log-"); l.err == nil {
		l.out = bufio.NewWriter(l.file)
	}
	return l
}

func (l *logFile) add(at time.Time, level model.Level, text string) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.out, "%s %-5s worker %s %s\n", at.Format("2006-01-02 15:04:05,000"), level, l.name, text)
	}
}

func (l *logFile) remove() {
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name())
	}
}

// maxUpload is how long storing a log may take, also when the task was stopped.
const maxUpload = time.Minute

// store keeps the file in internal storage and returns its URI, "" if nothing was logged. The file is gone then.
func (l *logFile) store(rc *run) (string, error) {
	if l.file == nil {
		return "", l.err
	}
	defer l.remove()
	if l.err == nil {
		l.err = l.out.Flush()
	}
	if l.err != nil {
		return "", l.err
	}
	if at, err := l.file.Seek(0, 0); err != nil || at != 0 {
		return "", err
	}
	if info, err := l.file.Stat(); err != nil || info.Size() == 0 {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(rc.ctx), maxUpload)
	defer cancel()
	return rc.Store(ctx, "log-"+model.NewID()+".txt", l.file)
}
