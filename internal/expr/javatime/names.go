package javatime

import (
	_ "embed"
	"strings"
	"sync"
	"time"
)

// The names of months, days, zones and so on are those of the Unicode CLDR. languages.txt has one section for each
// language, of lines "pattern=names"; zones.txt has lines "long standard|long daylight|long generic|short standard|short
// daylight|short generic=zones", where an empty short name stands for the offset.

//go:embed languages.txt
var languageData string

//go:embed zones.txt
var zoneData string

// Language has the words and styles of one language.
type Language struct {
	words    map[string][]string
	styles   map[string]string
	firstDay int // of the week, 1 is Monday
	minDays  int // that the first week of a year has
}

var languages = sync.OnceValue(func() map[string]*Language {
	all := map[string]*Language{}
	var current *Language
	for line := range strings.Lines(languageData) {
		line = strings.TrimSuffix(line, "\n")
		if tag, ok := strings.CutPrefix(line, "#"); ok {
			current = &Language{words: map[string][]string{}, styles: map[string]string{}, firstDay: 7, minDays: 1}
			all[tag] = current
			continue
		}
		key, text, _ := strings.Cut(line, "=")
		switch key {
		case "full", "long", "medium", "short":
			current.styles[key] = text
		case "week":
			first, least, _ := strings.Cut(text, "|")
			current.firstDay, current.minDays = atoi(first), atoi(least)
		default:
			current.words[key] = strings.Split(text, "|")
		}
	}
	return all
})

// FindLanguage finds a language by its tag (fr, fr-FR, en-GB); unknown ones are English.
func FindLanguage(tag string) *Language {
	all := languages()
	tag = strings.ReplaceAll(tag, "_", "-")
	if l := all[tag]; l != nil {
		return l
	}
	base, _, _ := strings.Cut(tag, "-")
	if l := all[strings.ToLower(base)]; l != nil {
		return l
	}
	return all["en"]
}

// standalone are the patterns whose words are usually those of another.
var standalone = map[string]string{"LLLL": "MMMM", "LLL": "MMM", "LLLLL": "MMMMM", "cccc": "EEEE", "ccc": "EEE", "ccccc": "EEEEE", "qqq": "QQQ", "qqqq": "QQQQ"}

// names returns the words of a pattern such as MMMM, in English where the language lacks them.
func (l *Language) names(pattern string) []string {
	if w := l.words[pattern]; w != nil {
		return w
	}
	if other := standalone[pattern]; other != "" {
		return l.names(other)
	}
	return languages()["en"].words[pattern]
}

// dayPeriod is a word like "in the morning".
func (l *Language) dayPeriod(minute int) string {
	word := ""
	for _, entry := range l.names("B") {
		from, text, _ := strings.Cut(entry, ":")
		if atoi(from) > minute {
			break
		}
		word = text
	}
	return word
}

var zoneNames = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(zoneData) {
		names, ids, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		columns := strings.Split(names, "|")
		for id := range strings.FieldsSeq(ids) {
			all[id] = columns
		}
	}
	return all
})

// zoneName is the name of the zone of t, in English: long or short, of the time of year or of both.
func zoneName(t time.Time, long, generic bool) string {
	id := zoneID(t)
	names := zoneNames()[id]
	if names == nil {
		return id
	}
	column := 0
	switch {
	case generic:
		column = 2
	case t.IsDST() && names[1] != "":
		column = 1
	}
	if !long {
		column += 3
	}
	if names[column] == "" {
		_, seconds := t.Zone()
		return "GMT" + offsetText(seconds, "xxx")
	}
	return names[column]
}
