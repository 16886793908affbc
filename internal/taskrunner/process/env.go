package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// inherited are the variables of the server's environment that commands see: what programs need to find their way on the
// machine and through its network. A * stands for any rest of a name. Everything else, the server's secrets above all, is
// kept from them.
var inherited = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
}

// inheritedOnWindows are those that Windows needs besides.
var inheritedOnWindows = []string{
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
	"PROGRAMDATA", "PROGRAMFILES*", "COMMONPROGRAMFILES*", "HOMEDRIVE", "HOMEPATH", "PSMODULEPATH", "NUMBER_OF_PROCESSORS",
	"PROCESSOR_*", "OS",
}

// seen are the variables of the server's environment that commands see.
func seen(server, allowed []string) (out []string) {
	for _, v := range server {
		name, _, _ := strings.Cut(v, "=")
		if name != "" && (matches(inherited, name) || matches(allowed, name) || runtime.GOOS == "windows" && matches(inheritedOnWindows, name)) {
			out = append(out, v)
		}
	}
	return out
}

// environment is that of a command: what it inherits, and over it what its task sets.
func environment(inherited []string, set map[string]string) []string {
	out := make([]string, 0, len(set)+len(inherited)+1)
	for _, v := range inherited {
		if name, _, _ := strings.Cut(v, "="); !has(set, name) {
			out = append(out, v)
		}
	}
	for name, v := range set {
		out = append(out, name+"="+v)
	}
	slices.Sort(out)
	return out
}

func has(set map[string]string, name string) bool {
	_, ok := set[name]
	return ok
}

func matches(names []string, name string) bool {
	if runtime.GOOS == "windows" {
		name = strings.ToUpper(name)
	}
	return slices.ContainsFunc(names, func(n string) bool {
		if runtime.GOOS == "windows" {
			n = strings.ToUpper(n)
		}
		prefix, any := strings.CutSuffix(n, "*")
		return n == name || any && strings.HasPrefix(name, prefix)
	})
}

// lookPath finds a program as the command would: on the PATH of its environment, or from its directory.
func lookPath(program, dir string, env []string) (string, error) {
	if filepath.IsAbs(program) {
		return executable(program)
	}
	if strings.ContainsRune(program, '/') || strings.ContainsRune(program, filepath.Separator) {
		return executable(filepath.Join(dir, program))
	}
	for _, d := range filepath.SplitList(variable(env, "PATH")) {
		if !filepath.IsAbs(d) {
			d = filepath.Join(dir, d)
		}
		if found, err := executable(filepath.Join(d, program)); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("the program %s is not on this worker: install it there, or run the task in a container", program)
}

// executable returns the path of a program, on Windows with its extension.
func executable(path string) (string, error) {
	found, err := exec.LookPath(path)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("the program %s is not on this worker: install it there, or run the task in a container", path)
	case err != nil:
		return "", fmt.Errorf("the program %s cannot be run: %w", path, err)
	}
	return found, nil
}

func variable(env []string, name string) string {
	for _, v := range env {
		key, val, _ := strings.Cut(v, "=")
		if key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name) {
			return val
		}
	}
	return ""
}
