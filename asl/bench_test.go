package asl_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

func mustParse(t testing.TB, definition string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// document5K is a document of about 5 KB.
func document5K() []byte {
	var b strings.Builder
	b.WriteString(`{"id":"workflow-a/item-1","process":{"workflow":"a","count":3},"features":[`)
	for i := range 40 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"item-%d","bbox":[-10.5,20.25,30,40],"properties":{"datetime":"2026-01-02T03:04:05Z","cloud":%d}}`, i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// start is when the executions of the tests begin.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// BenchmarkPassChoicePass is the way through states that wait for nothing.
func BenchmarkPassChoicePass(b *testing.B) {
	m := mustParse(b, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Next":"B"},
		"B":{"Type":"Choice","Choices":[{"Variable":"$.process.count","NumericGreaterThan":2,"Next":"C"}],"Default":"C"},
		"C":{"Type":"Pass","Parameters":{"all.$":"$"},"OutputPath":"$.all","End":true}}}`)
	doc := document5K()
	b.ReportAllocs()
	for b.Loop() {
		x, _ := asl.Start(m, asl.Identity{}, asl.Raw(doc), asl.Moment{Now: start()})
		if x.Status() != asl.Succeeded {
			b.Fatal(x.End())
		}
	}
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
}

// threeTasks is the shape of most workflows over payloads.
const threeTasks = `{"StartAt":"A","States":{
	"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","Next":"B"},
	"B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"b","Payload.$":"$"},"OutputPath":"$.Payload","Next":"C",
		"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"F"}]},
	"C":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:c","End":true},
	"F":{"Type":"Fail"}}}`

// BenchmarkThreeTasks is the interpreter's share of an execution, with and without storing every step.
func BenchmarkThreeTasks(b *testing.B) {
	for _, stored := range []bool{false, true} {
		b.Run(fmt.Sprintf("stored=%v", stored), func(b *testing.B) {
			m := mustParse(b, threeTasks)
			doc := document5K()
			invoked := append(append([]byte(`{"ExecutedVersion":"$LATEST","Payload":`), doc...), `,"StatusCode":200}`...)
			b.ReportAllocs()
			written := 0
			for b.Loop() {
				memory := asltest.NewMemory()
				x, e := asl.Start(m, asl.Identity{}, asl.Raw(doc), asl.Moment{Now: start()})
				for e.End == nil {
					if stored {
						written += memory.Save(x)
					}
					task := e.Tasks[0]
					output := task.Parameters
					if task.State == "B" {
						output = asl.Raw(invoked)
					}
					var err error
					if e, err = x.Advance(asl.TaskSucceeded{Task: task.ID, Output: output}, asl.Moment{Now: start()}); err != nil {
						b.Fatal(err)
					}
				}
				if e.End.Status != asl.Succeeded {
					b.Fatal(e.End)
				}
			}
			if stored {
				b.ReportMetric(float64(written)/float64(b.N), "bytes-stored/op")
			}
		})
	}
}

// BenchmarkMap100 runs a Map with a task for each of 100 items.
func BenchmarkMap100(b *testing.B) {
	m := mustParse(b, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":10,"End":true,"ItemProcessor":{"StartAt":"A","States":{
		"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true}}}}}}`)
	doc := []byte(`{"items":[` + strings.Repeat(`{"n":1},`, 99) + `{"n":1}]}`)
	b.ReportAllocs()
	for b.Loop() {
		p := asltest.Player{Machine: m, Begin: start(), Work: func(t asl.Task) asltest.Answer { return asltest.Answer{Output: t.Parameters} }}
		if played, err := p.Play(asl.Raw(doc)); err != nil || played.End.Status != asl.Succeeded {
			b.Fatal(err, played)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParse(b, threeTasks)
	}
}

// item30K is a STAC Item of about 30 KB: most of it is its assets.
func item30K() []byte {
	var b strings.Builder
	b.WriteString(`{"type":"Feature","stac_version":"1.0.0","id":"S2B_26SKG_20260102_0_L2A","bbox":[-28,38,-27,39],"properties":{"datetime":"2026-01-02T03:04:05Z","eo:cloud_cover":12.5},"assets":{`)
	for i := range 60 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"band-%d":{"href":"https://example.com/sentinel-2/26/S/KG/2026/1/S2B_26SKG_20260102_0_L2A/B%d.tif","type":"image/tiff; application=geotiff; profile=cloud-optimized",`+
			`"title":"Band %d at 10 m","file:size":%d,"proj:shape":[10980,10980],"proj:transform":[10,0,199980,0,-10,4300020],"roles":["data","reflectance"],`+
			`"raster:bands":[{"nodata":0,"data_type":"uint16","spatial_resolution":10,"scale":0.0001,"offset":-0.1}],"eo:bands":[{"name":"B%d","center_wavelength":0.49,"full_width_half_max":0.098}]}`,
			i, i, i, 1_000_000*i, i)
	}
	b.WriteString(`}}`)
	return []byte(b.String())
}

// BenchmarkExpression is a Pass state with one expression on a STAC Item, which has to be read for it.
func BenchmarkExpression(b *testing.B) {
	item := item30K()
	for name, state := range map[string]string{
		"JSONPath/member": `"Parameters":{"cloud.$":"$.properties['eo:cloud_cover']"}`,
		"JSONPath/all":    `"Parameters":{"hrefs.$":"$.assets.*.href"}`,
		"JSONata/member":  `"QueryLanguage":"JSONata","Output":{"cloud":"{% $states.input.properties.'eo:cloud_cover' %}"}`,
		"JSONata/all":     `"QueryLanguage":"JSONata","Output":{"hrefs":"{% $states.input.assets.*.href %}"}`,
		"JSONata/filter":  `"QueryLanguage":"JSONata","Output":{"large":"{% $each($states.input.assets, function($a){ $lookup($a, 'file:size') > 50000000 ? $a.href }) %}"}`,
	} {
		b.Run(name, func(b *testing.B) {
			m := mustParse(b, `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,`+state+`}}}`)
			b.SetBytes(int64(len(item)))
			b.ReportAllocs()
			for b.Loop() {
				if x, _ := asl.Start(m, asl.Identity{}, asl.Raw(item), asl.Moment{Now: start()}); x.Status() != asl.Succeeded {
					b.Fatal(x.End())
				}
			}
		})
	}
}
