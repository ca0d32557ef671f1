"""Templates that ship: one for each kind of label, for printers of 203 dpi; a site edits its own copy."""

from typing import Final

from contracts.labels import LabelKind, LabelTemplate

_SSCC: Final = """^XA
^FX GS1 logistic label, 105 x 148 mm: texts above, bars below (GS1 Logistic Label Guideline)
^PW840^LL1184
^FO30,30^A0N,34^FDSHIP TO^FS
^FO30,70^A0N,56^FB780,2,0,L^FD{ship_to}^FS
^FO30,200^A0N,34^FDORDER {order}^FS
^FO20,250^GB800,3,3^FS
^FO30,275^A0N,44^FB780,2,0,L^FD{content}^FS
^FO30,385^A0N,30^FDGTIN {gtin}^FS^FO440,385^A0N,30^FDCOUNT {count}^FS
^FO30,430^A0N,30^FDLOT {lot}^FS^FO440,430^A0N,30^FDBEST BEFORE {best_before}^FS
^FO20,490^GB800,3,3^FS
^FO30,510^A0N,34^FDSSCC {sscc}^FS
^BY2^FO60,570^BCN,200,Y^FD{content_bars}^FS
^BY4^FO60,860^BCN,240,Y^FD{bars}^FS
^XZ"""

_BIN: Final = """^XA
^FX Bin label, 100 x 50 mm
^PW800^LL400
^FO30,25^A0N,110^FB740,1,0,C^FD{location}^FS
^FO30,140^A0N,34^FB740,1,0,C^FD{name}^FS
^BY2^FO60,195^BCN,150,Y^FD{bars}^FS
^XZ"""

_ITEM: Final = """^XA
^FX Item label, 80 x 50 mm
^PW640^LL400
^FO20,20^A0N,46^FB440,1,0,L^FD{item}^FS
^FO20,72^A0N,30^FB440,2,0,L^FD{name}^FS
^FO20,142^A0N,28^FD{quantity} {unit}^FS
^FO20,176^A0N,28^FDLOT {lot}^FS
^FO20,208^A0N,28^FDBEST BEFORE {best_before}^FS
^FO470,20^BQN,2,4^FDQA,{link}^FS
^BY1^FO20,255^BCN,100,Y^FD{bars}^FS
^XZ"""

_BADGE: Final = """^XA
^FX Badge, 86 x 54 mm
^PW688^LL432
^FO30,40^A0N,80^FB628,1,0,C^FD{name}^FS
^BY2^FO60,170^BCN,180,N^FD{bars}^FS
^XZ"""

_COMMAND: Final = """^XA
^FX Command label, 80 x 40 mm
^PW640^LL320
^FO20,20^A0N,44^FB600,1,0,C^FD{name}^FS
^BY2^FO40,85^BCN,150,Y^FD{bars}^FS
^XZ"""

STANDARD: Final = {
    kind: LabelTemplate(name=kind.value, kind=kind, zpl=zpl)
    for kind, zpl in (
        (LabelKind.SSCC, _SSCC),
        (LabelKind.BIN, _BIN),
        (LabelKind.ITEM, _ITEM),
        (LabelKind.BADGE, _BADGE),
        (LabelKind.COMMAND, _COMMAND),
    )
}
"""By kind; version 0."""
