package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// moduleDir downloads `path@version` into the module cache and tells where it lies.
func moduleDir(module string) string {
	output, err := exec.Command("go", "mod", "download", "-json", module).Output()
	must(err)
	var answer struct{ Dir string }
	must(json.Unmarshal(output, &answer))
	return answer.Dir
}

// dependencyDir is the directory of a module this program depends on.
func dependencyDir(module string) string {
	output, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	must(err)
	return strings.TrimSpace(string(output))
}

// enabledVersions reads which group-versions the release serves by default: the arguments of EnableVersions in
// DefaultAPIResourceConfigSource (pkg/controlplane/instance.go). The aggregator's and the CRD server's own groups are
// enabled in their own servers; they are added here.
func enabledVersions(kubernetes string) map[string]bool {
	file := parse(filepath.Join(kubernetes, "pkg/controlplane/instance.go"))
	imports := importsOf(file)
	lists := map[string][]string{}
	enabledLists := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if i >= len(n.Values) {
					continue
				}
				if lit, ok := n.Values[i].(*ast.CompositeLit); ok {
					for _, elt := range lit.Elts {
						if sel, ok := elt.(*ast.SelectorExpr); ok && sel.Sel.Name == "SchemeGroupVersion" {
							lists[name.Name] = append(lists[name.Name], imports[sel.X.(*ast.Ident).Name])
						}
					}
				}
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "EnableVersions" {
				for _, arg := range n.Args {
					enabledLists[arg.(*ast.Ident).Name] = true
				}
			}
		}
		return true
	})
	groups := map[string]schema.GroupVersion{}
	for _, gv := range allGroupVersions() {
		groups[packageOf(gv)] = gv
	}
	enabled := map[string]bool{"apiextensions.k8s.io/v1": true, "apiregistration.k8s.io/v1": true}
	for list := range enabledLists {
		for _, path := range lists[list] {
			// Some lists name the conversion package of a version; its types are in k8s.io/api.
			gv, ok := groups[strings.Replace(path, "k8s.io/kubernetes/pkg/apis/", "k8s.io/api/", 1)]
			if !ok {
				log.Fatalf("no group is registered for package %s", path)
			}
			enabled[gv.String()] = true
		}
	}
	return enabled
}

func importsOf(file *ast.File) map[string]string {
	imports := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := filepath.Base(path)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = path
	}
	return imports
}

func parse(path string) *ast.File {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	must(err)
	return file
}

// readEnums finds string types marked as enums and the constants of each; keyed by "import/path.Type".
func readEnums(modules []string) map[string][]string {
	sources := &sources{constants: map[string]ast.Expr{}, files: map[string]*sourceFile{}}
	var files []*sourceFile
	for _, module := range modules {
		root := dependencyDir(module)
		must(filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(entry.Name(), "zz_") ||
				strings.HasSuffix(path, ".pb.go") || !hasVersionDir(path) {
				return nil
			}
			relative, _ := filepath.Rel(root, filepath.Dir(path))
			files = append(files, sources.add(parse(path), filepath.ToSlash(filepath.Join(module, relative))))
			return nil
		}))
	}
	enums := map[string][]string{}
	for _, file := range files {
		readEnumsOfFile(sources, file, enums)
	}
	for _, values := range enums {
		sort.Strings(values)
	}
	return enums
}

// sources knows the expression of every constant, and the file it stands in.
type sources struct {
	constants map[string]ast.Expr
	files     map[string]*sourceFile
}

type sourceFile struct {
	ast     *ast.File
	pkg     string
	imports map[string]string
}

func (s *sources) add(file *ast.File, pkg string) *sourceFile {
	added := &sourceFile{ast: file, pkg: pkg, imports: importsOf(file)}
	eachConstant(file, func(name string, _ *ast.ValueSpec, value ast.Expr) {
		s.constants[pkg+"."+name] = value
		s.files[pkg+"."+name] = added
	})
	return added
}

// text is the string of a constant expression: a literal, a conversion, or the name of another constant.
func (s *sources) text(file *sourceFile, expr ast.Expr) (string, bool) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			return s.text(file, e.Args[0])
		}
	case *ast.Ident:
		return s.named(file.pkg + "." + e.Name)
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok {
			return s.named(file.imports[pkg.Name] + "." + e.Sel.Name)
		}
	}
	return "", false
}

func (s *sources) named(name string) (string, bool) {
	value, ok := s.constants[name]
	if !ok {
		return "", false
	}
	return s.text(s.files[name], value)
}

func eachConstant(file *ast.File, visit func(name string, spec *ast.ValueSpec, value ast.Expr)) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			value := spec.(*ast.ValueSpec)
			for i, name := range value.Names {
				if i < len(value.Values) {
					visit(name.Name, value, value.Values[i])
				}
			}
		}
	}
}

var versionDir = regexp.MustCompile(`/v[0-9]+((alpha|beta)[0-9]+)?/[^/]+$`)

func hasVersionDir(path string) bool { return versionDir.MatchString(filepath.ToSlash(path)) }

var enumMarker = regexp.MustCompile(`(?m)^\s*//\s*\+(k8s:)?enum\s*$`)

// Upstream declares a type and its constants in the same file.
func readEnumsOfFile(sources *sources, file *sourceFile, enums map[string][]string) {
	marked := map[string]bool{}
	for _, decl := range file.ast.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			if t, ok := spec.(*ast.TypeSpec); ok {
				marked[t.Name.Name] = hasEnumMarker(gen.Doc) || hasEnumMarker(t.Doc)
			}
		}
	}
	eachConstant(file.ast, func(name string, spec *ast.ValueSpec, value ast.Expr) {
		typeName := ""
		if ident, ok := spec.Type.(*ast.Ident); ok {
			typeName = ident.Name
		} else if call, ok := value.(*ast.CallExpr); ok {
			if ident, ok := call.Fun.(*ast.Ident); ok {
				typeName = ident.Name
			}
		}
		if !marked[typeName] {
			return
		}
		text, ok := sources.text(file, value)
		if !ok {
			log.Fatalf("enum %s.%s: constant %s has no known value", file.pkg, typeName, name)
		}
		enums[file.pkg+"."+typeName] = append(enums[file.pkg+"."+typeName], text)
	})
}

func hasEnumMarker(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if enumMarker.MatchString(line.Text) {
			return true
		}
	}
	return false
}
