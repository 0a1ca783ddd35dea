package dynamodb_test

import (
	"fmt"
	"strings"
)

func (g *generator) tableName() string {
	if g.chance(3) {
		return g.pick(`"missing"`, `"x"`, `""`, `"a b c"`, `5`, `null`, `{}`, `[]`)
	}
	return fmt.Sprintf("%q", g.table)
}

func (g *generator) maybe(percent int, name string, values ...string) string {
	if !g.chance(percent) {
		return ""
	}
	return fmt.Sprintf(`, %q: %s`, name, g.pick(values...))
}

func (g *generator) request() request {
	switch n := g.rand.IntN(100); {
	case n < 25:
		return g.put()
	case n < 30:
		return g.remove()
	case n < 36:
		return g.get()
	case n < 70:
		return g.change()
	case n < 86:
		return g.query()
	case n < 96:
		return g.scan()
	case n < 98:
		return g.batchGet()
	}
	return g.batchWrite()
}

// batchGet asks for items; projections that lack the key would leave no order to compare them by.
func (g *generator) batchGet() request {
	keys := []string{g.batchKey()}
	for g.chance(70) {
		keys = append(keys, g.batchKey())
	}
	of := fmt.Sprintf(`{"Keys": [%s]`, strings.Join(keys, ", ")) + g.maybe(30, "ConsistentRead", "true", "false", `"x"`) + g.maybe(20, "ProjectionExpression", `"p, s, a"`, `"p, s, b[0], c.x"`, `"p, a."`, `""`) +
		g.maybe(8, "AttributesToGet", `["p", "s", "c"]`, `["a", "a"]`, `[]`) + "}"
	if g.chance(4) {
		of = g.pick(`{}`, `{"Keys": []}`, `{"Keys": {}}`, `[]`, `5`, `{"Keys": [5]}`, `{"Keys": [{"p": {"S": "a"}}], "X": 1}`)
	}
	return request{"BatchGetItem", fmt.Sprintf(`{"RequestItems": {%s: %s}`, g.batchTable(), of) + g.maybe(15, "ReturnConsumedCapacity", `"TOTAL"`, `"INDEXES"`, `"Y"`) + "}"}
}

func (g *generator) batchWrite() request {
	write := func() string {
		if g.chance(4) {
			return g.pick(`{}`, `{"PutRequest": {}}`, `{"DeleteRequest": {"Key": []}}`, `5`, `[]`, `{"PutRequest": 5}`)
		}
		if g.chance(30) {
			return fmt.Sprintf(`{"DeleteRequest": {"Key": %s}}`, g.batchKey())
		}
		return fmt.Sprintf(`{"PutRequest": {"Item": %s}}`, g.item())
	}
	writes := []string{write()}
	for g.chance(60) {
		writes = append(writes, write())
	}
	of := "[" + strings.Join(writes, ", ") + "]"
	if g.chance(4) {
		of = g.pick(`[]`, `{}`, `5`)
	}
	return request{"BatchWriteItem", fmt.Sprintf(`{"RequestItems": {%s: %s}`, g.batchTable(), of) + g.maybe(15, "ReturnConsumedCapacity", `"TOTAL"`, `"INDEXES"`, `"Y"`) + "}"}
}

// batchKey is a key in a list, in which the other one cannot do with null.
func (g *generator) batchKey() string {
	key := g.key()
	for key == "null" {
		key = g.key()
	}
	return key
}

func (g *generator) batchTable() string {
	if g.chance(3) {
		return g.pick(`"missing"`, `"x"`, `""`, `"a b c"`)
	}
	return fmt.Sprintf("%q", g.table)
}

func (g *generator) withCondition(percent int) string {
	if !g.chance(percent) {
		return g.maybe(2, "ExpressionAttributeNames", `{"#a": "a"}`) + g.maybe(2, "ExpressionAttributeValues", `{":v": {"S": "a"}}`)
	}
	c := g.condition(2)
	return fmt.Sprintf(`, "ConditionExpression": %q`, c) + g.placed(c)
}

func (g *generator) put() request {
	body := fmt.Sprintf(`{"TableName": %s, "Item": %s`, g.tableName(), g.item())
	body += g.withCondition(40) + g.maybe(40, "ReturnValues", `"ALL_OLD"`, `"ALL_OLD"`, `"NONE"`, `"ALL_NEW"`, `"X"`) + g.maybe(15, "ReturnConsumedCapacity", `"TOTAL"`, `"INDEXES"`, `"Y"`)
	return request{"PutItem", body + g.expected() + "}"}
}

func (g *generator) expected() string {
	if !g.chance(8) {
		return ""
	}
	return fmt.Sprintf(`, "Expected": {"a": %s}`, g.pick(`{"Exists": false}`, `{"Value": {"N": "1"}}`, `{"Exists": true}`, `{"Exists": false, "Value": {"N": "1"}}`,
		`{"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]}`, `{"ComparisonOperator": "NULL"}`, `{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "1"}]}`,
		`{"ComparisonOperator": "GT"}`, `{"AttributeValueList": []}`, `{"ComparisonOperator": "EQ", "Value": {"N": "1"}, "AttributeValueList": []}`, `{"ComparisonOperator": "NOT_CONTAINS", "Value": {"S": "a"}}`,
		`{"ComparisonOperator": "IN", "AttributeValueList": [{"N": "2"}, {"S": "1"}]}`, `{"ComparisonOperator": "Z"}`, `{"Value": {}}`, `{}`, `5`))
}

func (g *generator) remove() request {
	body := fmt.Sprintf(`{"TableName": %s, "Key": %s`, g.tableName(), g.key())
	return request{"DeleteItem", body + g.withCondition(40) + g.maybe(40, "ReturnValues", `"ALL_OLD"`, `"UPDATED_OLD"`) + g.expected() + "}"}
}

func (g *generator) projection() (text, placed string) {
	if !g.chance(35) {
		return "", ""
	}
	p := g.path()
	for g.chance(40) {
		p += ", " + g.path()
	}
	return fmt.Sprintf(`, "ProjectionExpression": %q`, p), p
}

func (g *generator) get() request {
	body := fmt.Sprintf(`{"TableName": %s, "Key": %s`, g.tableName(), g.key())
	text, p := g.projection()
	names := ""
	if strings.Contains(p, "#a") || strings.Contains(p, "#b") {
		names = `, "ExpressionAttributeNames": {"#a": "a", "#b": "b"}`
	}
	return request{"GetItem", body + text + names + g.maybe(10, "AttributesToGet", `["a", "c"]`, `["a", "a"]`, `[]`, `"a"`) + g.maybe(30, "ConsistentRead", "true", "false", `"x"`, "1") +
		g.maybe(15, "ReturnConsumedCapacity", `"TOTAL"`, `"INDEXES"`) + "}"}
}

func (g *generator) change() request {
	body := fmt.Sprintf(`{"TableName": %s, "Key": %s`, g.tableName(), g.key())
	body += g.maybe(60, "ReturnValues", `"ALL_OLD"`, `"ALL_NEW"`, `"UPDATED_OLD"`, `"UPDATED_NEW"`, `"NONE"`)
	if g.chance(12) {
		return request{"UpdateItem", body + fmt.Sprintf(`, "AttributeUpdates": {"a": %s, "b": %s}`, g.attributeUpdate(), g.attributeUpdate()) + g.expected() + "}"}
	}
	u := g.update()
	if g.chance(25) {
		c := g.condition(1)
		return request{"UpdateItem", body + fmt.Sprintf(`, "UpdateExpression": %q, "ConditionExpression": %q`, u, c) + g.placed(u, c) + "}"}
	}
	return request{"UpdateItem", body + fmt.Sprintf(`, "UpdateExpression": %q`, u) + g.placed(u) + "}"}
}

func (g *generator) attributeUpdate() string {
	return g.pick(`{"Action": "DELETE"}`, `{"Action": "PUT", "Value": {"S": "x"}}`, `{"Value": {"N": "5"}}`, `{"Action": "ADD", "Value": {"N": "5"}}`, `{"Action": "ADD", "Value": {"SS": ["a", "z"]}}`,
		`{"Action": "DELETE", "Value": {"SS": ["a"]}}`, `{"Action": "ADD", "Value": {"S": "x"}}`, `{"Action": "DELETE", "Value": {"N": "1"}}`, `{"Action": "ADD", "Value": {"L": [{"S": "x"}]}}`, `{}`, `{"Action": "ADD"}`)
}

func (g *generator) query() request {
	body := fmt.Sprintf(`{"TableName": %s`, g.tableName())
	index := g.pick("", "", "byl", "byg")
	key := "p = " + g.pick(":v", ":v", ":s")
	sort := g.pick("s", "s", "l")
	switch index {
	case "byl":
		sort = "l"
	case "byg":
		key, sort = "g = :n", ""
	}
	if index != "" {
		body += fmt.Sprintf(`, "IndexName": %q`, index)
	}
	if sort != "" && g.chance(60) {
		key += g.pick(" AND ", " and ") + g.pick(sort+" = :n", sort+" < :n", sort+" >= :n", sort+" BETWEEN :n AND :w", "begins_with("+sort+", :s)", ":n < "+sort, "("+sort+" > :n)", sort+" <= :s", sort+" = :s")
	}
	if g.chance(8) {
		key = g.pick("p = :v AND s IN (:n)", "p = :v OR s = :n", "NOT p = :v", "p <> :v", "p > :v", "s = :n", "p = :v AND p = :v", "p = :v AND a = :n", "p.x = :v", "size(p) = :n", "p = s", "attribute_exists(p)",
			"contains(p, :v)", ":v BETWEEN p AND p", "begins_with(:s, s) AND p = :v", "p = :v AND s = :n AND a = :w", ":v = :v", "", "p = size(s)")
	}
	values := map[string]string{":v": fmt.Sprintf(`{"S": %q}`, g.pick("a", "b", "c")), ":s": g.pick(`{"S": "a"}`, `{"S": "b"}`), ":n": g.pick(`{"N": "1"}`, `{"N": "2"}`, `{"N": "-2.5"}`, `{"N": "3"}`), ":w": `{"N": "4"}`}
	all := key
	if g.chance(30) {
		f := g.condition(1)
		all += " " + f
		body += fmt.Sprintf(`, "FilterExpression": %q`, f)
		values[":t"], values[":l"] = `{"S": "S"}`, `{"L": []}`
	}
	text, p := g.projection()
	all += " " + p
	var used []string
	for _, name := range []string{":v", ":s", ":n", ":w", ":t", ":l"} {
		if usesPlaceholder(all, name) && values[name] != "" {
			used = append(used, fmt.Sprintf("%q: %s", name, values[name]))
		}
	}
	body += fmt.Sprintf(`, "KeyConditionExpression": %q`, key) + text
	if len(used) > 0 {
		body += fmt.Sprintf(`, "ExpressionAttributeValues": {%s}`, strings.Join(used, ", "))
	}
	var named []string
	for _, n := range []string{"a", "b"} {
		if strings.Contains(all, "#"+n) {
			named = append(named, fmt.Sprintf(`"#%s": %q`, n, n))
		}
	}
	if len(named) > 0 {
		body += fmt.Sprintf(`, "ExpressionAttributeNames": {%s}`, strings.Join(named, ", "))
	}
	return request{"Query", body + g.reading(index) + g.maybe(30, "ScanIndexForward", "false", "true") + g.maybe(15, "ConsistentRead", "true", "false") + "}"}
}

// reading are parameters that Query and Scan have in common.
func (g *generator) reading(index string) string {
	start := ""
	if g.chance(15) {
		start = g.pick(`{"p": {"S": "a"}, "s": {"N": "2"}}`, `{"p": {"S": "b"}, "s": {"N": "1"}}`, `{"p": {"S": "a"}}`, `{"p": {"S": "a"}, "s": {"S": "2"}}`, `{"p": {"S": "a"}, "s": {"N": "x"}}`, `{}`)
		if index != "" && g.chance(80) {
			start = map[string]string{"byl": `{"p": {"S": "a"}, "s": {"N": "2"}, "l": {"S": "a"}}`, "byg": `{"p": {"S": "a"}, "s": {"N": "2"}, "g": {"N": "1"}}`}[index]
		}
		start = `, "ExclusiveStartKey": ` + start
	}
	return start + g.maybe(30, "Limit", "1", "2", "3", "0") + g.maybe(15, "Select", `"COUNT"`, `"ALL_ATTRIBUTES"`, `"Q"`)
}

func (g *generator) scan() request {
	body := fmt.Sprintf(`{"TableName": %s`, g.tableName())
	index := g.pick("", "", "", "byl", "byg", "none")
	if index != "" {
		body += fmt.Sprintf(`, "IndexName": %q`, index)
	}
	if g.chance(40) {
		f := g.condition(1)
		body += fmt.Sprintf(`, "FilterExpression": %q`, f) + g.placed(f)
	} else if g.chance(10) {
		body += fmt.Sprintf(`, "ScanFilter": {"a": %s}`, g.pick(`{"ComparisonOperator": "NOT_NULL"}`, `{"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}`, `{"ComparisonOperator": "GE"}`,
			`{"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": "a"}]}`, `{"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}, {"N": "2"}]}`, `{"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"N": "1"}]}`))
	}
	if g.chance(15) {
		body += g.pick(`, "Segment": 0, "TotalSegments": 2`, `, "Segment": 1, "TotalSegments": 2`, `, "Segment": 2, "TotalSegments": 2`, `, "Segment": 2, "TotalSegments": 5`, `, "Segment": 1`, `, "TotalSegments": 2`, `, "Segment": -1, "TotalSegments": 0`)
	}
	return request{"Scan", body + g.reading(index) + "}"}
}

// fixed are requests of which each shows one thing.
func (g *generator) fixed() []request {
	var all []request
	add := func(operation, body string) {
		body = strings.ReplaceAll(strings.ReplaceAll(body, "$T", g.table), "$H", g.hashed)
		all = append(all, request{operation, body})
	}
	for _, n := range []string{
		"0", "-0", "1", "1.0", "1e3", "1E+3", "007", ".5", "5.", "1e125", "9.9999999999999999999999999999999999999e125", "1e126", "1e-130", "1e-131", "123456789012345678901234567890123456789",
		"12345678901234567890123456789012345678", "x", "", " 1", "0x10", "1e1000000", "-1e-130", "0e500",
	} {
		add("PutItem", fmt.Sprintf(`{"TableName": "$T", "Item": {"p": {"S": "n"}, "s": {"N": "1"}, "a": {"N": %q}}}`, n))
		add("GetItem", `{"TableName": "$T", "Key": {"p": {"S": "n"}, "s": {"N": "1"}}}`)
	}
	for _, size := range []int{409600 - 10, 409600 - 5, 409600 - 4, 409600 - 3, 409600, 409601} {
		add("PutItem", fmt.Sprintf(`{"TableName": "$H", "Item": {"k": {"B": "AQ=="}, "a": {"S": "%s"}}}`, strings.Repeat("x", size)))
		add("UpdateItem", fmt.Sprintf(`{"TableName": "$H", "Key": {"k": {"B": "AQ=="}}, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "%s"}}}`, strings.Repeat("x", size)))
	}
	for _, size := range []int{2048, 2049} {
		add("GetItem", fmt.Sprintf(`{"TableName": "$T", "Key": {"p": {"S": "%s"}, "s": {"N": "1"}}}`, strings.Repeat("x", size)))
	}
	for _, operation := range []string{"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"} {
		for _, body := range []string{
			`{}`, `{"TableName": "$T"}`, `{"TableName": "ab"}`, `{"TableName": "abc;"}`, `{"TableName": "missing", "Key": {}, "Item": {}}`, `{"TableName": "$T", "Key": {}, "Item": {}}`,
			`{"TableName": "a b", "ReturnConsumedCapacity": "x", "ReturnValues": "y", "Key": {"a": {"S": 1}}}`, `{"RequestItems": {}}`, `{"RequestItems": {"a": {}}}`, `{"RequestItems": {"abc": {}}}`, `{"RequestItems": {"abc": []}}`, `{"RequestItems": []}`,
			`{"RequestItems": {"abc": {"Keys": []}}}`, `{"RequestItems": {"abc": [{}]}}`, `{"RequestItems": {"abc": 5}}`, `{"TableName": 5}`,
		} {
			add(operation, body)
		}
	}
	add("BatchWriteItem", `{"RequestItems": {"$H": [{"PutRequest": {"Item": {"k": {"B": "AQ=="}, "a": {"N": "1"}}}}, {"DeleteRequest": {"Key": {"k": {"B": "AQI="}}}}]}, "ReturnConsumedCapacity": "TOTAL"}`)
	add("BatchWriteItem", `{"RequestItems": {"$H": [{"PutRequest": {"Item": {"k": {"B": "AQ=="}, "a": {"N": "1"}}}}, {"DeleteRequest": {"Key": {"k": {"B": "AQ=="}}}}]}}`)
	add("BatchWriteItem", `{"RequestItems": {"$H": [{"PutRequest": {"Item": {"a": {"N": "1"}}}}]}}`)
	add("BatchWriteItem", `{"RequestItems": {"$H": [{"DeleteRequest": {"Key": {"a": {"N": "1"}}}}]}}`)
	add("BatchGetItem", `{"RequestItems": {"$H": {"Keys": [{"k": {"B": "AQ=="}}]}}, "ReturnConsumedCapacity": "TOTAL"}`)
	add("BatchGetItem", `{"RequestItems": {"$H": {"Keys": [{"k": {"B": "AQ=="}}, {"k": {"B": "AQ=="}}]}}}`)
	add("BatchGetItem", `{"RequestItems": {"$H": {"Keys": [{"k": {"B": "AQ=="}}], "ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "a"}}}}`)
	for _, body := range creations() {
		add("CreateTable", body)
	}
	for _, body := range legacyQueries() {
		add("Query", body)
	}
	for _, body := range []string{`{}`, `{"TableName": "missing"}`, `{"TableName": "a"}`, `{"TableName": ";;;"}`, ``, `{`} {
		add("DescribeTable", body)
		add("DeleteTable", body)
		add("UpdateTable", body)
		add("DescribeTimeToLive", body)
	}
	for _, body := range []string{`{"Limit": 0}`, `{"Limit": 101}`, `{"ExclusiveStartTableName": "a;"}`, `{"Limit": "x"}`, `{"Limit": true}`} {
		add("ListTables", body)
	}
	for i := range 30 {
		add("PutItem", fmt.Sprintf(`{"TableName": "$T", "Item": {"p": {"S": "k%d"}, "s": {"N": "%d"}, "g": {"N": "%d.5"}, "l": {"S": "x%d"}}}`, i%7, i*7-100, i%4, i))
	}
	for _, body := range []string{
		`{"TableName": "$T"}`, `{"TableName": "$T", "IndexName": "byg"}`, `{"TableName": "$T", "IndexName": "byl"}`, `{"TableName": "$T", "Segment": 3, "TotalSegments": 7}`,
		`{"TableName": "$T", "IndexName": "byl", "Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"}`, `{"TableName": "$T", "Limit": 5, "ReturnConsumedCapacity": "TOTAL"}`,
	} {
		add("Scan", body)
	}
	return all
}

// creations are tables that are refused.
func creations() []string {
	const p, s = `{"AttributeName": "p", "AttributeType": "S"}`, `{"AttributeName": "s", "AttributeType": "N"}`
	const hash, sort = `{"AttributeName": "p", "KeyType": "HASH"}`, `{"AttributeName": "s", "KeyType": "RANGE"}`
	const billing = `"BillingMode": "PAY_PER_REQUEST", `
	var all []string
	for _, rest := range []string{
		`"X": 1`, `"AttributeDefinitions": []`, `"AttributeDefinitions": [` + p + `]`, `"KeySchema": [` + hash + `]`, `"AttributeDefinitions": {}, "KeySchema": []`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `, ` + sort + `]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + hash + `]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + sort + `]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + hash + `, ` + hash + `]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + sort + `, ` + hash + `]`,
		billing + `"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "SS"}], "KeySchema": [{"AttributeName": "p", "KeyType": "X"}]`,
		`"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `]`,
		`"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "ProvisionedThroughput": {}`,
		`"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": -1}`,
		`"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "ProvisionedThroughput": {"ReadCapacityUnits": 1000000000001, "WriteCapacityUnits": 1}`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "LocalSecondaryIndexes": []`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "GlobalSecondaryIndexes": []`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "LocalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + hash + `], "Projection": {}}]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + hash + `, ` + sort + `], "LocalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + hash + `], "Projection": {"ProjectionType": "ALL"}}]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + hash + `, ` + sort + `], "LocalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + hash + `, ` + sort + `], "Projection": {}}]`,
		billing + `"AttributeDefinitions": [` + p + `, ` + s + `], "KeySchema": [` + hash + `, ` + sort + `], "LocalSecondaryIndexes": [{"IndexName": "a", "KeySchema": [], "Projection": {"ProjectionType": "Q", "NonKeyAttributes": []}}]`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "GlobalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + hash + `], "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}}]`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "GlobalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + sort + `], "Projection": {"ProjectionType": "ALL"}}]`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "GlobalSecondaryIndexes": [{"IndexName": "abc", "KeySchema": [` + hash + `], "Projection": {"ProjectionType": "ALL"}}, {"IndexName": "abc", "KeySchema": [` + hash + `], "Projection": {"ProjectionType": "ALL"}}]`,
		billing + `"AttributeDefinitions": [` + p + `], "KeySchema": [` + hash + `], "GlobalSecondaryIndexes": [5, "a", []]`,
	} {
		all = append(all, `{"TableName": "created", `+rest+`}`)
	}
	return all
}

func legacyQueries() []string {
	var all []string
	for _, conditions := range []string{
		`{}`, `{"p": {}}`, `{"p": {"ComparisonOperator": "EQ"}}`, `{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}`, `{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "LT", "AttributeValueList": [{"S": "a"}]}}`, `{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "3"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "3"}, {"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "q": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}]}}`,
		`{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "s": {"ComparisonOperator": "NULL"}}`, `{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"L": []}]}}`, `[]`, `5`,
	} {
		all = append(all, `{"TableName": "$T", "KeyConditions": `+conditions+`}`)
	}
	for _, filter := range []string{`{"a": {"ComparisonOperator": "NOT_NULL"}}`, `{"s": {"ComparisonOperator": "NOT_NULL"}}`, `{"a": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "x"}]}}`, `{"a": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "x"}]}, "b": {"ComparisonOperator": "NULL"}}`} {
		all = append(all, `{"TableName": "$T", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "k1"}]}}, "ConditionalOperator": "OR", "QueryFilter": `+filter+`}`)
		all = append(all, `{"TableName": "$T", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}, "QueryFilter": `+filter+`}`)
	}
	return all
}
