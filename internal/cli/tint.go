package cli

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// tint gives the states of records and executions their colours; every other text has that of the terminal.
func tint(text string) color.Color {
	switch text {
	case "SUCCEEDED", "COMPLETED":
		return lipgloss.Green
	case "FAILED", "TIMED_OUT":
		return lipgloss.Red
	case "INVALID", "ABORTED":
		return lipgloss.Yellow
	case "PROCESSING", "CLAIMED", "RUNNING":
		return lipgloss.Cyan
	}
	return lipgloss.NoColor{}
}
