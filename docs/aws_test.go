package docs_test

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sundog/internal/aws"
	"sundog/internal/aws/lambda"
)

// TestVariables checks that aws.md has a row for each variable of a deployment, with what it means and which handlers read it, and no other.
func TestVariables(t *testing.T) {
	var want []string
	for _, v := range aws.Variables() {
		var needed, read []string
		for _, h := range lambda.Handlers() {
			if slices.Contains(h.Required, v.Name) {
				needed = append(needed, h.Name)
			} else if slices.Contains(h.Optional, v.Name) {
				read = append(read, h.Name)
			}
		}
		if v.Name == aws.LogLevel {
			read = []string{"all"}
		}
		want = append(want, row("`"+v.Name+"`", v.Meaning, code(v.Default), strings.Join(needed, ", "), strings.Join(read, ", ")))
	}
	got := regexp.MustCompile("(?m)^\\| `(?:CIRRUS|SUNDOG)_.*$").FindAllString(read(t, "aws.md"), -1)
	if !slices.Equal(got, want) {
		t.Errorf("aws.md has to say:\n%s\nbut says:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

// row is a row of a table.
func row(cells ...string) string {
	var b strings.Builder
	b.WriteByte('|')
	for _, c := range cells {
		if c != "" {
			b.WriteString(" " + c)
		}
		b.WriteString(" |")
	}
	return b.String()
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// TestCost computes what aws.md says that a million payloads cost.
func TestCost(t *testing.T) {
	_, section, _ := strings.Cut(read(t, "aws.md"), "## What it costs\n")
	section, _, _ = strings.Cut(section, "\n## ")
	sum, rows := 0.0, 0
	for _, row := range regexp.MustCompile(`(?m)^\| (.*) \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|$`).FindAllStringSubmatch(section, -1) {
		units, price, cost := number(t, row[2]), number(t, row[3]), number(t, row[4])
		if math.Abs(units*price-cost) > 0.0051 {
			t.Errorf("%s: %g times %g is %.2f, not %g", row[1], units, price, units*price, cost)
		}
		sum += cost
		rows++
	}
	total := regexp.MustCompile(`(?m)^\| all \| \| \| ([0-9.]+) \|$`).FindStringSubmatch(section)
	if rows < 8 || total == nil {
		t.Fatalf("%d rows and the sum %v were found", rows, total)
	}
	if math.Abs(sum-number(t, total[1])) > 0.0051 {
		t.Errorf("the rows are %.2f together, not %s", sum, total[1])
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
