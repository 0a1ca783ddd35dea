package main

import (
	"encoding/json"
	"math"
)

// summarise replaces each Item of a payload by a summary of it: where and when it is, how large, and how cloudy.
func summarise(event []byte) ([]byte, error) {
	var p payload
	if err := json.Unmarshal(event, &p); err != nil {
		return nil, invalid("event: %v", err)
	}
	items, err := p.items()
	if err != nil {
		return nil, err
	}
	for n, it := range items {
		if items[n], err = it.summary(); err != nil {
			return nil, err
		}
	}
	if err := p.setItems(items); err != nil {
		return nil, err
	}
	return json.Marshal(p)
}

// summary derives an Item. It has no collection: the workflow's collection_matchers give it one.
func (i item) summary() (item, error) {
	var p properties
	if err := i.read("properties", &p); err != nil {
		return nil, err
	}
	rings, err := i.rings()
	if err != nil {
		return nil, err
	}
	total := 0.0
	for _, ring := range rings {
		total += area(ring)
	}
	links := []map[string]string{}
	if href := i.self(); href != "" {
		links = append(links, map[string]string{"rel": "derived_from", "href": href, "type": "application/geo+json"})
	}
	derived := map[string]any{
		"type":         "Feature",
		"stac_version": "1.1.0",
		"id":           i.id() + "-summary",
		"geometry":     i["geometry"],
		"bbox":         i["bbox"],
		"properties": map[string]any{
			"datetime":            p.Datetime,
			"example:area_km2":    math.Round(total),
			"example:cloud_class": cloudClass(p.CloudCover),
			"example:tiles":       p.Tiles,
		},
		"links":  links,
		"assets": map[string]any{},
	}
	raw, err := json.Marshal(derived)
	if err != nil {
		return nil, err
	}
	var out item
	err = json.Unmarshal(raw, &out)
	return out, err
}

// self is where the Item was published.
func (i item) self() string {
	var links []struct{ Rel, Href string }
	_ = json.Unmarshal(i["links"], &links) // an item without usable links was not published
	for _, link := range links {
		if link.Rel == "self" {
			return link.Href
		}
	}
	return ""
}

func cloudClass(cover *float64) string {
	switch {
	case cover == nil:
		return "unknown"
	case *cover < 10:
		return "clear"
	case *cover < 50:
		return "partly cloudy"
	default:
		return "cloudy"
	}
}
