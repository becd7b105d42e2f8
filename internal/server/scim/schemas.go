package scim

const (
	userSchema   = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	configSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeSchema   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	listSchema   = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema  = "urn:ietf:params:scim:api:messages:2.0:Error"
	patchSchema  = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// maxResults is how many resources a page has at most.
const maxResults = 200

func meta(kind, at string) object { return object{"resourceType": kind, "location": at} }

func serviceConfig(base string) object {
	no := object{"supported": false}
	return object{
		"schemas": []any{configSchema}, "documentationUri": nil, "patch": object{"supported": true},
		"bulk":   object{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter": object{"supported": true, "maxResults": maxResults}, "changePassword": no, "sort": no, "etag": no,
		"authenticationSchemes": []any{object{"type": "oauthbearertoken", "name": "Bearer token", "description": "The token of a directory of the account"}},
		"meta":                  meta("ServiceProviderConfig", base+"/ServiceProviderConfig"),
	}
}

func resourceTypes(base string) []any {
	one := func(name, endpoint, schema string) any {
		return object{
			"schemas": []any{typeSchema}, "id": name, "name": name, "endpoint": endpoint, "description": name, "schema": schema,
			"meta": meta("ResourceType", base+"/ResourceTypes/"+name),
		}
	}
	return []any{one("User", "/Users", userSchema), one("Group", "/Groups", groupSchema)}
}

// attribute describes one; more are what differs from the usual.
func attribute(name, kind, description string, more object) any {
	a := object{
		"name": name, "type": kind, "multiValued": false, "description": description, "required": false, "caseExact": false,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
	for k, v := range more {
		a[k] = v
	}
	return a
}

func schemas(base string) []any {
	one := func(id, name string, attributes []any) any {
		return object{"schemas": []any{schemaSchema}, "id": id, "name": name, "description": name, "attributes": attributes, "meta": meta("Schema", base+"/Schemas/"+id)}
	}
	readOnly := object{"mutability": "readOnly"}
	return []any{
		one(userSchema, "User", []any{
			attribute("userName", "string", "The address of mail, of one of the account's verified domains", object{"required": true, "uniqueness": "server"}),
			attribute("name", "complex", "The name of the person", object{"subAttributes": []any{
				attribute("givenName", "string", "The first name", nil), attribute("familyName", "string", "The last name", nil),
			}}),
			attribute("displayName", "string", "The whole name", readOnly),
			attribute("active", "boolean", "Whether the person gets in", object{"required": true}),
			attribute("emails", "complex", "The address of mail", object{"multiValued": true, "mutability": "readOnly", "subAttributes": []any{
				attribute("value", "string", "The address", readOnly), attribute("type", "string", "work", readOnly), attribute("primary", "boolean", "Always", readOnly),
			}}),
			attribute("groups", "complex", "The teams that the person is in", object{"multiValued": true, "mutability": "readOnly", "subAttributes": []any{
				attribute("value", "string", "The id of the group", readOnly), attribute("display", "string", "Its name", readOnly),
				attribute("$ref", "reference", "Where it is", object{"mutability": "readOnly", "referenceTypes": []any{"Group"}, "caseExact": true}),
			}}),
		}),
		one(groupSchema, "Group", []any{
			attribute("displayName", "string", "The name of the team", object{"required": true, "uniqueness": "server"}),
			attribute("members", "complex", "Who is in it", object{"multiValued": true, "subAttributes": []any{
				attribute("value", "string", "The id of the user", object{"mutability": "immutable"}),
				attribute("$ref", "reference", "Where the user is", object{"mutability": "immutable", "referenceTypes": []any{"User"}, "caseExact": true}),
				attribute("type", "string", "User", object{"mutability": "immutable", "canonicalValues": []any{"User"}}),
			}}),
		}),
	}
}
